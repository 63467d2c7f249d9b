"""The change feed: what changed, in the order of commits, for everybody who watches.

Sequence ids become visible out of order, so a reader that resumes after "the last id" skips rows of transactions that
committed late. Rows carry their transaction's id; a reader sees only those below `pg_snapshot_xmin`, the oldest
transaction still running, and so never has to go back.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from sqlalchemy import BigInteger, Identity, delete, func, insert, literal_column, select, text, tuple_, update
from sqlalchemy.orm import Mapped, mapped_column

from api.kit.base import Base
from api.kit.repository import Repository

CHANNEL = "zhitong_changes"
KEEP = timedelta(hours=24)
_OLDEST_RUNNING = literal_column("pg_snapshot_xmin(pg_current_snapshot())::text::bigint", BigInteger)
_POSITION = re.compile(r"(\d{1,19})-(\d{1,18})")


class Change(Base):
    """One change of one call, in whatever part of it: `kind` is `call`, `recording`, `transcript` or `ticket`.

    Of kind `enforcement` and `callback`, `call_ref` is no call's: `act-7`, `callback-7`.
    """

    __tablename__ = "changes"

    transaction_id: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, server_default=text("(pg_current_xact_id()::text::bigint)")
    )
    change_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[str]
    call_ref: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class ChangesPruned(Base):
    """One row: the newest transaction whose changes are dropped already."""

    __tablename__ = "changes_pruned"

    transaction_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the feed, between two changes."""

    transaction_id: int
    change_id: int

    def __str__(self) -> str:
        return f"{self.transaction_id}-{self.change_id}"

    @classmethod
    def parse(cls, value: str) -> Self | None:
        """Read what `str` gave, None for anything else: a foreign Last-Event-ID just starts at the present."""
        found = _POSITION.fullmatch(value.strip())
        if not found or int(found[1]) >= 2**63:
            return None
        return cls(int(found[1]), int(found[2]))


class ChangeRepository(Repository):
    """Writes and reads the feed."""

    async def publish(self, kind: str, call_refs: list[str]) -> None:
        """Say that these calls changed; seen by watchers when the transaction commits."""
        if not call_refs:
            return
        await self.session.execute(insert(Change), [{"kind": kind, "call_ref": ref} for ref in call_refs])
        await self.session.execute(select(func.pg_notify(CHANNEL, "")))

    async def after(self, position: Position, limit: int) -> list[Change]:
        """Return the changes after `position`, in the feed's order, at most `limit`."""
        rows = await self.session.scalars(
            select(Change)
            .where(
                tuple_(Change.transaction_id, Change.change_id) > tuple_(position.transaction_id, position.change_id),
                Change.transaction_id < _OLDEST_RUNNING,
            )
            .order_by(Change.transaction_id, Change.change_id)
            .limit(limit)
        )
        return list(rows)

    async def any_after(self, position: Position) -> bool:
        """Say whether there are changes after `position`, those that may not be shown yet included."""
        found = await self.session.scalar(
            select(Change.transaction_id)
            .where(
                tuple_(Change.transaction_id, Change.change_id) > tuple_(position.transaction_id, position.change_id)
            )
            .limit(1)
        )
        return found is not None

    async def present(self) -> Position:
        """Return the place after everything that can be seen now."""
        oldest = await self.session.scalar(select(_OLDEST_RUNNING))
        return Position((oldest or 1) - 1, 2**62)

    async def reaches_back_to(self, position: Position) -> bool:
        """Say whether nothing after `position` was pruned yet."""
        pruned = await self.session.scalar(select(ChangesPruned.transaction_id))
        return position.transaction_id >= (pruned or 0)

    async def prune(self, now: datetime) -> int:
        """Drop changes older than KEEP, return how many; whoever watches from before is told to load anew."""
        gone = await self.session.scalars(
            delete(Change).where(Change.changed_at < now - KEEP).returning(Change.transaction_id)
        )
        dropped = list(gone)
        if dropped:
            last = func.greatest(ChangesPruned.transaction_id, max(dropped))
            await self.session.execute(update(ChangesPruned).values(transaction_id=last))
        return len(dropped)
