"""All SQL about transcripts."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import selectinload

from api.kit.repository import Repository
from api.recordings.models import RecordingRow
from api.transcripts.models import TranscriptRow, UtteranceRow
from asr.audio import Speaker


class TranscriptRepository(Repository):
    """Reads and writes transcripts."""

    async def replace(
        self, recording_id: str, call_ref: str, model: str, state: str, utterances: Sequence[dict[str, Any]]
    ) -> None:
        """Store a recording's transcript in place of an earlier one."""
        await self.session.execute(delete(TranscriptRow).where(TranscriptRow.recording_id == recording_id))
        await self.session.execute(
            insert(TranscriptRow).values(recording_id=recording_id, call_ref=call_ref, model=model, state=state)
        )
        if utterances:
            await self.session.execute(
                insert(UtteranceRow),
                [
                    {"recording_id": recording_id, "ordinal": ordinal, **values}
                    for ordinal, values in enumerate(utterances)
                ],
            )

    async def live(self, recording_id: str) -> TranscriptRow | None:
        """Return a recording's transcript that grows, with its utterances, None where there is none yet."""
        return await self.session.get(
            TranscriptRow, recording_id, options=[selectinload(TranscriptRow.utterances)], populate_existing=True
        )

    async def append(
        self,
        recording_id: str,
        call_ref: str,
        model: str,
        state: str,
        heard_seconds: Mapping[Speaker, float],
        utterances: Sequence[dict[str, Any]],
    ) -> None:
        """Add utterances to a recording's transcript, which is made where there is none, and note how far it goes."""
        told = {"state": state, "model": model} | {f"{who}_heard_seconds": at for who, at in heard_seconds.items()}
        await self.session.execute(
            upsert(TranscriptRow)
            .values(recording_id=recording_id, call_ref=call_ref, **told)
            .on_conflict_do_update(index_elements=[TranscriptRow.recording_id], set_=told)
        )
        if not utterances:
            return
        first = await self.session.scalar(
            select(func.coalesce(func.max(UtteranceRow.ordinal) + 1, 0)).where(
                UtteranceRow.recording_id == recording_id
            )
        )
        await self.session.execute(
            insert(UtteranceRow),
            [
                {"recording_id": recording_id, "ordinal": ordinal, **values}
                for ordinal, values in enumerate(utterances, first or 0)
            ],
        )

    async def by_call(self, call_ref: str, but: str = "") -> list[TranscriptRow]:
        """Return a call's transcripts with their utterances, in the order in which the recordings began.

        That of the recording `but` is left out.
        """
        rows = await self.session.scalars(
            select(TranscriptRow)
            .join(RecordingRow, RecordingRow.recording_id == TranscriptRow.recording_id)
            .where(TranscriptRow.call_ref == call_ref, TranscriptRow.recording_id != but)
            .order_by(RecordingRow.started_at, RecordingRow.recording_id)
            .options(selectinload(TranscriptRow.utterances)),
            execution_options={"populate_existing": True},
        )
        return list(rows)
