import asyncio
import time
from collections.abc import Iterable

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from api.agents.service import store_revisions
from api.calls.service import store_calls
from api.kit import logs
from api.kit.database import Sessions
from api.outward.service import store as store_outward
from api.router.spool import Spool
from telephony.agents.model import Revision
from telephony.calls.model import Call
from telephony.calls.outward import OutwardCall

log = logs.get(__name__)
GATHER_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 1.0


class CallStore:
    """Writes changed calls and spells to the database behind the reducers' backs: events never wait for PostgreSQL.

    Only a call's latest state is kept, so a database that is away costs memory for the calls, not for the events.
    The events themselves are in the spool, for the next router if this one dies meanwhile.
    """

    def __init__(self, database: Sessions, spool: Spool, node: str) -> None:
        self._database = database
        self._node = node
        self._spool = spool
        self._waiting: dict[str, Call] = {}
        self._storing: dict[str, Call] = {}
        self._spells: dict[str, Revision] = {}
        self._outward: dict[str, OutwardCall] = {}
        self._filled = asyncio.Event()
        self._oldest: float | None = None

    @property
    def lag_seconds(self) -> float:
        """How long the oldest change has waited to be stored."""
        return 0.0 if self._oldest is None else time.monotonic() - self._oldest

    @property
    def waiting(self) -> int:
        """How many calls changed since they were last stored."""
        return len(self._waiting.keys() | self._storing.keys())

    def put(self, calls: Iterable[Call]) -> None:
        """Remember changed calls; the latest state of each is what will be stored."""
        self._waiting |= {call.call_ref: call for call in calls}
        if self._waiting:
            self._oldest = self._oldest or time.monotonic()
        # Also when nothing changed: then the spool may forget.
        self._filled.set()

    def settle(self) -> None:
        """All that the spool's left files tell has been put: let them go once it is stored."""
        self._spool.settle()
        self._filled.set()

    def put_spells(self, revisions: Iterable[Revision]) -> None:
        """Remember what agents did; of one agent, all that is not stored yet is one revision."""
        for new in revisions:
            old = self._spells.get(new.agent)
            self._spells[new.agent] = new if old is None else new.after(old)
            self._oldest = self._oldest or time.monotonic()
            self._filled.set()

    def put_outward(self, calls: Iterable[OutwardCall]) -> None:
        """Remember what was told of calls that agents placed."""
        for told in calls:
            old = self._outward.get(told.dial_ref)
            self._outward[told.dial_ref] = told if old is None else told.after(old)
            self._oldest = self._oldest or time.monotonic()
            self._filled.set()

    async def run(self) -> None:
        """Store until cancelled; while the database is away, try again with growing pauses."""
        pause = GATHER_SECONDS
        while True:
            await self._filled.wait()
            try:
                await self.flush()
                pause = GATHER_SECONDS
            except (DBAPIError, OSError) as error:
                pause = min(LONGEST_WAIT_SECONDS, pause * 2)
                log.warning("calls_wait_for_database", calls=self.waiting, reason=str(error.__cause__ or error))
            await asyncio.sleep(pause)

    async def flush(self) -> None:
        """Store what waits, in one transaction. Raises when the database is away; then all of it waits on."""
        self._storing, self._waiting = self._waiting, {}
        spells, self._spells = self._spells, {}
        outward, self._outward = self._outward, {}
        self._filled.clear()
        self._spool.begin()
        try:
            if self._storing or spells or outward:
                await self._write(list(self._storing.values()), list(spells.values()), list(outward.values()))
        except BaseException:
            # What changed meanwhile is newer.
            self._waiting = {**self._storing, **self._waiting}
            newer, self._spells = self._spells, spells
            self.put_spells(newer.values())
            said, self._outward = self._outward, outward
            self.put_outward(said.values())
            self._filled.set()
            self._spool.failed()
            raise
        finally:
            self._storing = {}
        self._spool.stored()
        self._oldest = time.monotonic() if self._waiting or self._spells or self._outward else None

    async def _write(self, calls: list[Call], spells: list[Revision], outward: list[OutwardCall]) -> None:
        """Store all in one transaction. What the database refuses for its content holds nothing else back."""
        try:
            async with self._database.session() as session:
                await store_calls(session, calls)
                await store_revisions(session, spells)
                await store_outward(session, self._node, outward)
        except (IntegrityError, DataError) as error:
            if len(calls) + len(spells) + len(outward) == 1:
                refused = repr([*map(repr, calls), *map(repr, spells), *map(repr, outward)])
                log.error("refused_by_database", refused=refused, reason=str(error.__cause__ or error))  # noqa: TRY400 - the message says it all
                return
            for call in calls:
                await self._write([call], [], [])
            for revision in spells:
                await self._write([], [revision], [])
            for placed in outward:
                await self._write([], [], [placed])
