"""The loop that keeps the promises: one in the whole system looks at a time, whoever of the routers is first."""

import asyncio
import os
import socket
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from api.callbacks.following import follow
from api.enforcement.enforcing import Enforcer, enforce
from api.enforcement.load import FILE, ServiceLevelsError, load_service_levels
from api.enforcement.plan import Penalties
from api.enforcement.policy import ServiceLevels
from api.enforcement.repository import EnforcementRepository
from api.heartbeats.service import Pulse
from api.kit import logs
from api.kit.database import Database

log = logs.get(__name__)
EVERY_SECONDS = 3.0


class Enforcement:
    """Looks at the promises until it is cancelled; the file is read again when it changes."""

    def __init__(self, database: Database, config_dir: Path, timezone: str, penalties: Penalties) -> None:
        self._database = database
        self._config_dir = config_dir
        self._timezone = timezone
        self._penalties = penalties
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._levels = ServiceLevels()
        self._read_at: int | None = None
        self._wrong: str | None = None
        self._failed: str | None = None

    async def run(self) -> None:
        """Look, and look again. Nothing but being cancelled ends it."""
        while True:
            try:
                await self.look()
                self._failed = None
            except (DBAPIError, OSError) as error:
                self._failed = str(error.__cause__ or error).splitlines()[0]
                log.warning("enforcement_waits_for_database", reason=self._failed)
            except Exception as error:
                # The router that this runs in stores calls: what goes wrong here must not end it, and must be told.
                self._failed = repr(error)
                log.exception("enforcement_failed")
            await asyncio.sleep(EVERY_SECONDS)

    async def look(self) -> None:
        """Look once; where another process is looking, that is enough."""
        self._read()
        async with self._database.session() as session:
            repository = EnforcementRepository(session)
            if not await repository.lock():
                return
            # The database's clock: the routers' own may differ.
            now = await repository.now()
            enforcer = Enforcer(self._levels, self._timezone, self._penalties, self._name)
            touched = await enforce(session, enforcer, now)
            called = await follow(session, self._levels, self._timezone, now)
        if touched or called:
            log.info("enforced", acts=touched, callbacks=called)

    def pulse(self) -> Pulse:
        """How it is, for `zhitong status`: a file that cannot be used is told there until it can."""
        held = ", ".join(each.policy.name for each in self._levels.policies) or "no policy"
        told = [f"服务水平 promises: {held}", self._wrong, self._failed]
        return Pulse(detail="; ".join(filter(None, told)))

    def _read(self) -> None:
        path = self._config_dir / FILE
        changed_at = path.stat().st_mtime_ns if path.exists() else 0
        if changed_at == self._read_at:
            return
        self._read_at = changed_at
        try:
            self._levels, self._wrong = load_service_levels(self._config_dir), None
        except ServiceLevelsError as error:
            # What was promised before goes on: a slip of the pen must not end what is being done for callers.
            self._wrong = str(error)
            log.error("service_levels_unusable", reason=self._wrong)  # noqa: TRY400 - the message says it all
