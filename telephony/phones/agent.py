import asyncio
import contextlib
import tempfile
from pathlib import Path
from typing import Self

from telephony.asterisk.configure import AgentSeat, AsteriskSite
from telephony.asterisk.install import AsteriskInstall
from telephony.asterisk.process import udp_is_free
from telephony.phones.audio import alaw_file
from telephony.phones.citizen import free_port_pair, free_udp_port
from telephony.phones.sipp import ONE_CALL, PhoneError, SippRun, scenario_text, sipp

ADDRESS = "127.0.0.3"
EXPIRES_SECONDS = 120
_REGISTER_SECONDS = 10.0
_READY_SECONDS = 5.0


class AgentPhone:
    """An agent's phone for tests, demo and drills: registers, answers every call after a while, speaks, stays.

    `answer_after` None never answers; `hangup_after` None stays until the other side hangs up; `audio` is played from
    the answer on, `repeat` starts it again and again. Use as an async context manager; raises PhoneError when the
    registration is refused.
    """

    def __init__(
        self,
        install: AsteriskInstall,
        site: AsteriskSite,
        seat: AgentSeat,
        audio: Path | None = None,
        *,
        answer_after: float | None = 0.5,
        hangup_after: float | None = None,
        repeat: bool = False,
        scenario: Path | None = None,
    ) -> None:
        self.install = install
        self.site = site
        self.seat = seat
        self.audio = audio
        self.answer_after = answer_after
        self.hangup_after = hangup_after
        self.repeat = repeat
        self.scenario = scenario
        self._stack = contextlib.AsyncExitStack()
        self._run: SippRun | None = None
        self._port = 0

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="zhitong-agent-")))
            self._port = free_udp_port(ADDRESS)
            self._run = await stack.enter_async_context(
                sipp(self.install, self._server, ADDRESS, await self._scenario(folder), *self._arguments())
            )
            await self._listening()
            await self.register(EXPIRES_SECONDS)
            await _sipp_once(self.install, self.site, self.seat, self._port, "on_duty.xml.j2", "report for duty")
            stack.push_async_callback(self._unregister)
            refresh = asyncio.create_task(self._refresh(), name=f"agent-{self.seat.extension}-register")
            stack.push_async_callback(_cancel, refresh)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def answered(self) -> int:
        """Return how many calls this phone has answered."""
        return sum(line.startswith("answered") for line in self._run.log_lines()) if self._run else 0

    async def register(self, expires_seconds: int) -> None:
        """Register (0: take the registration back), authenticated by the seat's password. Raises PhoneError."""
        await register(self.install, self.site, self.seat, self._port, expires_seconds)

    @property
    def _server(self) -> tuple[str, int]:
        return self.site.sip_address, self.site.sip_port

    def _arguments(self) -> tuple[str, ...]:
        rtp = free_port_pair(ADDRESS)
        return (
            *("-p", str(self._port), "-min_rtp_port", str(rtp), "-max_rtp_port", str(rtp + 39)),
            *("-key", "agent", self.seat.extension),
        )

    async def _scenario(self, folder: Path) -> str:
        target = folder / "agent.alaw"
        if self.audio is not None:
            await asyncio.to_thread(alaw_file, self.audio, target)
        values = {
            "audio": target if self.audio is not None else None,
            "loops": -1 if self.repeat else 1,
            "answer_after_ms": None if self.answer_after is None else max(1, int(self.answer_after * 1000)),
            "hangup_after_ms": None if self.hangup_after is None else max(1, int(self.hangup_after * 1000)),
        }
        if self.scenario is None:
            return scenario_text("agent.xml.j2", values)
        return scenario_text(self.scenario.name, values, (self.scenario.parent,))

    async def _listening(self) -> None:
        """Wait until SIPp holds its port: a call that came before would find nobody."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _READY_SECONDS
        while udp_is_free(ADDRESS, self._port):
            if self._run is None or self._run.process.returncode is not None or loop.time() > deadline:
                raise PhoneError(f"the phone of agent {self.seat.extension} did not start: {self._errors()}")
            await asyncio.sleep(0.02)

    def _errors(self) -> str:
        return self._run.errors() if self._run else "it was not started"

    async def _refresh(self) -> None:
        while True:
            await asyncio.sleep(EXPIRES_SECONDS / 2)
            with contextlib.suppress(PhoneError):  # Asterisk may be restarting; the next turn tries again
                await self.register(EXPIRES_SECONDS)

    async def _unregister(self) -> None:
        with contextlib.suppress(PhoneError):  # Asterisk may be gone already
            await self.register(0)


async def register(
    install: AsteriskInstall, site: AsteriskSite, seat: AgentSeat, contact_port: int, expires_seconds: int
) -> None:
    """Register a seat's phone that listens on `contact_port` (0 seconds: take it back). Raises PhoneError."""
    expires = ("-key", "expires", str(expires_seconds))
    await _sipp_once(install, site, seat, contact_port, "register.xml.j2", "register", *expires)


async def _sipp_once(
    install: AsteriskInstall,
    site: AsteriskSite,
    seat: AgentSeat,
    contact_port: int,
    scenario: str,
    what: str,
    *more: str,
) -> None:
    server = site.sip_address, site.sip_port
    arguments = (
        *(*ONE_CALL, "-p", str(free_udp_port(ADDRESS)), "-au", seat.extension, "-ap", seat.password),
        *("-key", "agent", seat.extension, "-key", "contact_port", str(contact_port), *more),
    )
    async with sipp(install, server, ADDRESS, scenario_text(scenario, {}), *arguments) as run:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(run.process.wait(), _REGISTER_SECONDS)
        if run.process.returncode != 0:
            raise PhoneError(
                f"agent {seat.extension} could not {what} at {server[0]}:{server[1]}: is Asterisk up, and is the "
                f"password that of this data directory? SIPp says: {run.errors() or 'no answer'}"
            )


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
