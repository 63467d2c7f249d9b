"""What a router makes of one connection, without its resync: for tests between PostgreSQL and a real Asterisk."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from api.agents.desks import Desks
from api.agents.routing import Routing
from api.kit.database import Database
from api.router.advisor import WANTED_EVENTS, Advisor
from api.router.commands import Executor
from telephony.actions.reach import Reach
from telephony.ami.connection import AmiConnection, Gap
from telephony.calls.derive import Rules
from telephony.calls.reducer import WANTED_EVENTS as CALL_EVENTS
from telephony.calls.reducer import Reducer
from tests.telephony.conftest import Hotline


class Parts:
    """Advisor and executor of one node, fed by the real connection."""

    def __init__(self, hotline: Hotline, database: Database, routing: Routing) -> None:
        site = hotline.site
        events = CALL_EVENTS | WANTED_EVENTS
        self.asterisk = AmiConnection("127.0.0.1", site.ami_port, site.ami_user, site.ami_secret, wanted=events)
        reach = Reach.of(site)
        desks = Desks(site.desks, {"13800000020": "enterprise"})
        self.advisor = Advisor(database, self.asterisk, reach, routing, desks, "main")
        self.executor = Executor(database, self.asterisk, reach, self.advisor, "main")
        self.reducer = Reducer(Rules())

    async def listen(self) -> None:
        async for item in self.asterisk:
            if isinstance(item, Gap):
                self.advisor.connected()
            else:
                self.advisor.hear(item)
                self.advisor.take(self.reducer.apply(item))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[AmiConnection]:
        async with self.asterisk:
            tasks = [asyncio.create_task(part()) for part in (self.listen, self.advisor.run, self.executor.run)]
            async with asyncio.timeout(5):
                while not self.asterisk.connected:
                    await asyncio.sleep(0.01)
            try:
                yield self.asterisk
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
