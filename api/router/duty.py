"""One router process: it stands by until it holds its node's lease, and serves for as long as it does."""

import asyncio
import signal

from sqlalchemy.exc import DBAPIError

from api.enforcement.loop import Enforcement
from api.heartbeats.service import Pulse, beat
from api.kit import logs
from api.kit.database import Database, url_of
from api.kit.settings import Settings
from api.router.advisor import WANTED_EVENTS as ADVISOR_EVENTS
from api.router.commands import Executor
from api.router.lease import Lease, LeaseLostError
from api.router.router import Router
from api.supervisor.site import asterisk_site
from telephony.actions.reach import Reach
from telephony.agents.reducer import WANTED_EVENTS as SPELL_EVENTS
from telephony.ami.connection import AmiConnection
from telephony.calls.reducer import WANTED_EVENTS

log = logs.get(__name__)


class Duty:
    """One router process: it stands by until it holds its node's lease, and then serves for as long as it does."""

    def __init__(self, settings: Settings, database: Database, lease: Lease) -> None:
        self._settings = settings
        self._database = database
        self._lease = lease
        self._router: Router | None = None

    async def run(self) -> None:
        """Stand by and serve until cancelled; what is known is stored before it ends."""
        while True:
            await self._lease.acquire()
            try:
                await self._serve()
            except* LeaseLostError as lost:
                log.warning("standing_by", reason=str(lost.exceptions[0]))
            finally:
                self._router = None

    def pulse(self) -> Pulse:
        """How this process is, for `zhitong status`."""
        if self._router is None:
            return Pulse(detail=f"{self._settings.node.name} 备用 standby", standby=True)
        return self._router.pulse()

    async def _serve(self) -> None:
        settings = self._settings
        site = asterisk_site(settings)
        wanted = WANTED_EVENTS | SPELL_EVENTS | ADVISOR_EVENTS
        asterisk = AmiConnection(settings.ami.host, site.ami_port, site.ami_user, site.ami_secret, wanted=wanted)
        self._router = router = Router(settings, self._lease, asterisk)
        executor = Executor(self._database, asterisk, Reach.of(site), router.advisor, settings.node.name)
        try:
            async with asterisk, asyncio.TaskGroup() as tasks:
                tasks.create_task(router.run(), name="events")
                tasks.create_task(router.store.run(), name="store")
                tasks.create_task(router.reconciler.run(), name="reconciler")
                tasks.create_task(router.advisor.run(), name="advisor")
                tasks.create_task(executor.run(), name="commands")
                tasks.create_task(self._lease.watch(), name="lease")
        except asyncio.CancelledError:
            try:
                await router.store.flush()
            except (LeaseLostError, DBAPIError, OSError) as error:
                log.warning("left_in_spool", calls=router.store.waiting, reason=str(error.__cause__ or error))
            raise


def usual_penalties(settings: Settings) -> dict[tuple[str, str], int]:
    """Return by desk and agent's extension how late each is asked when nothing presses."""
    site = asterisk_site(settings)
    desks = (settings.queue.name, *(desk.name for desk in site.desks))
    return {(desk, seat.extension): penalty for desk in desks for seat, penalty in site.members(desk)}


async def run_router(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""
    logs.configure("router")
    stopping = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stopping.set)
    database = Database(url_of(settings), pool_size=3)
    lease = Lease(url_of(settings), settings.node.name)
    duty = Duty(settings, database, lease)
    queues = asterisk_site(settings).queues
    enforcement = Enforcement(database, settings.config_dir, settings.timezone, usual_penalties(settings))
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(duty.run(), name="duty"),
                tasks.create_task(beat(database, "router", duty.pulse, settings.node.name, queues), name="heartbeat"),
                tasks.create_task(enforcement.run(), name="enforcement"),
                tasks.create_task(beat(database, "enforcement", enforcement.pulse), name="enforcement heartbeat"),
            ]
            await stopping.wait()
            for task in running:
                task.cancel()
    finally:
        await lease.release()
        await database.close()
