"""All SQL about transcripts."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import selectinload

from api.kit.repository import Repository
from api.recordings.models import RecordingRow
from api.transcripts.models import TranscriptRow, UtteranceRow


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

    async def by_call(self, call_ref: str) -> list[TranscriptRow]:
        """Return a call's transcripts with their utterances, in the order in which the recordings began."""
        rows = await self.session.scalars(
            select(TranscriptRow)
            .join(RecordingRow, RecordingRow.recording_id == TranscriptRow.recording_id)
            .where(TranscriptRow.call_ref == call_ref)
            .order_by(RecordingRow.started_at, RecordingRow.recording_id)
            .options(selectinload(TranscriptRow.utterances)),
            execution_options={"populate_existing": True},
        )
        return list(rows)
