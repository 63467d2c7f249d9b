"""Many telephones in two SIPp processes, so light that sixty calls leave two cores time for sound."""

import asyncio
import contextlib
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from telephony.asterisk.configure import AsteriskSite
from telephony.asterisk.install import AsteriskInstall
from telephony.asterisk.process import udp_is_free
from telephony.phones.agent import ADDRESS, register
from telephony.phones.citizen import citizen_scenario, free_udp_port
from telephony.phones.sipp import PhoneError, SippRun, scenario_text, sipp

# As long as the site lets a registration last; all are renewed within half of it.
EXPIRES_SECONDS = 300
REGISTERED_TOGETHER = 6
CALLS_A_SECOND = 10
# Every call went as the scenario says, or some did not.
SIPP_ENDS = (0, 1)
# On loopback addresses of their own, so that only telephones of the same test could want the same ports.
AGENTS_RTP = (30_000, 33_999)
CITIZENS_RTP = (34_000, 37_999)


@dataclass(slots=True)
class Agents:
    """All seats of a site, one process that listens on `port`."""

    install: AsteriskInstall
    site: AsteriskSite
    run: SippRun
    port: int
    reachable: asyncio.Event = field(default_factory=asyncio.Event)

    async def register(self, expires_seconds: int = EXPIRES_SECONDS) -> None:
        """Let Asterisk know where every seat is; 0 seconds: that it is nowhere."""
        if not expires_seconds:
            self.reachable.clear()
        for start in range(0, len(self.site.agents), REGISTERED_TOGETHER):
            some = self.site.agents[start : start + REGISTERED_TOGETHER]
            told = (register(self.install, self.site, seat, self.port, expires_seconds) for seat in some)
            await asyncio.gather(*told)
        if expires_seconds:
            self.reachable.set()

    async def renew(self) -> None:
        """Register one seat after the other anew, in time."""
        while True:
            for seat in self.site.agents:
                await asyncio.sleep(EXPIRES_SECONDS / 2 / len(self.site.agents))
                await self.reachable.wait()
                with contextlib.suppress(PhoneError):  # Asterisk may be away
                    await register(self.install, self.site, seat, self.port, EXPIRES_SECONDS)


@contextlib.asynccontextmanager
async def agents_on_duty(install: AsteriskInstall, site: AsteriskSite, sounds: Path) -> AsyncIterator[Agents]:
    """All seats of a site, registered; whoever rings is answered with `sounds`/<extension>.alaw."""
    values = {"audio": sounds / "[$agent].alaw", "loops": 1, "answer_after_ms": 300, "hangup_after_ms": None}
    text = scenario_text("agents.xml.j2", values, (Path(__file__).parent,))
    port = free_udp_port(ADDRESS)
    arguments = ("-p", str(port), *rtp_ports(AGENTS_RTP), "-key", "agent", "agents")
    async with sipp(install, (site.sip_address, site.sip_port), ADDRESS, text, *arguments) as run:
        async with asyncio.timeout(5):
            while udp_is_free(ADDRESS, port):
                await asyncio.sleep(0.02)
        agents = Agents(install, site, run, port)
        await agents.register()
        renewing = asyncio.create_task(agents.renew())
        try:
            yield agents
        finally:
            renewing.cancel()
            await asyncio.wait([renewing])


async def call_again_and_again(
    install: AsteriskInstall,
    site: AsteriskSite,
    sounds: Path,
    callers: Sequence[str],
    *,
    calls: int = 1_000_000,
    talk_seconds: float,
    every_second: Callable[[SippRun], None] = lambda _run: None,
    over: asyncio.Event | None = None,
    hangup_after: float | None = None,
) -> Counter[str]:
    """Place so many calls, or until `over`, as many at once as there are callers; give what became of them.

    Each call plays `sounds`/<caller>.alaw; `hangup_after` seconds after dialling it is over, answered or not.
    """
    (sounds / "callers.csv").write_text("SEQUENTIAL\n" + "".join(f"{caller}\n" for caller in callers))
    address = site.citizen_addresses[0]
    look_ms = int(talk_seconds * 1000) + 250
    text = citizen_scenario(sounds / "[field0].alaw", talk_seconds, hangup_after, caller="[field0]", look_ms=look_ms)
    arguments = (
        *("-inf", str(sounds / "callers.csv"), "-m", str(calls), "-l", str(len(callers)), "-r", str(CALLS_A_SECOND)),
        *("-p", str(free_udp_port(address)), *rtp_ports(CITIZENS_RTP)),
        *("-key", "number", site.numbers[0], "-key", "display", ""),
        # Who has no patience also gives up an Asterisk that is away, and tries again.
        *(("-max_invite_retrans", "2", "-max_non_invite_retrans", "2") if hangup_after else ()),
    )
    async with sipp(install, (site.sip_address, site.sip_port), address, text, *arguments) as run:
        while run.process.returncode is None:
            every_second(run)
            if over is not None and over.is_set():
                # Those who talk end their calls, nobody calls any more.
                run.process.send_signal(signal.SIGUSR1)
                over = None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(run.process.wait(), 1)
        assert run.process.returncode in SIPP_ENDS, run.errors()
        return Counter(line.split()[0] for line in run.log_lines())


def rtp_ports(ports: tuple[int, int]) -> tuple[str, ...]:
    return "-min_rtp_port", str(ports[0]), "-max_rtp_port", str(ports[1])
