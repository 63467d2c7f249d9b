"""Many telephones in two SIPp processes, so light that sixty calls leave two cores time for sound."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from telephony.asterisk.configure import AsteriskSite
from telephony.asterisk.install import AsteriskInstall
from telephony.asterisk.process import udp_is_free
from telephony.phones.agent import ADDRESS, register
from telephony.phones.citizen import citizen_scenario, free_udp_port
from telephony.phones.sipp import SippRun, scenario_text, sipp

# As long as the site lets a registration last; all are renewed within half of it.
EXPIRES_SECONDS = 300
REGISTERED_TOGETHER = 6
CALLS_A_SECOND = 10
# On loopback addresses of their own, so that only telephones of the same test could want the same ports.
AGENTS_RTP = (30_000, 33_999)
CITIZENS_RTP = (34_000, 37_999)


@contextlib.asynccontextmanager
async def agents_on_duty(install: AsteriskInstall, site: AsteriskSite, sounds: Path) -> AsyncIterator[SippRun]:
    """All seats of a site, registered; whoever rings is answered with `sounds`/<extension>.alaw."""
    values = {"audio": sounds / "[$agent].alaw", "loops": 1, "answer_after_ms": 300, "hangup_after_ms": None}
    text = scenario_text("agents.xml.j2", values, (Path(__file__).parent,))
    port = free_udp_port(ADDRESS)
    arguments = ("-p", str(port), *rtp_ports(AGENTS_RTP), "-key", "agent", "agents")
    async with sipp(install, (site.sip_address, site.sip_port), ADDRESS, text, *arguments) as run:
        async with asyncio.timeout(5):
            while udp_is_free(ADDRESS, port):
                await asyncio.sleep(0.02)
        for start in range(0, len(site.agents), REGISTERED_TOGETHER):
            some = site.agents[start : start + REGISTERED_TOGETHER]
            await asyncio.gather(*(register(install, site, seat, port, EXPIRES_SECONDS) for seat in some))
        renewing = asyncio.create_task(renew(install, site, port))
        try:
            yield run
        finally:
            renewing.cancel()
            await asyncio.wait([renewing])


async def renew(install: AsteriskInstall, site: AsteriskSite, port: int) -> None:
    """Register one seat after the other anew, in time."""
    while True:
        for seat in site.agents:
            await asyncio.sleep(EXPIRES_SECONDS / 2 / len(site.agents))
            await register(install, site, seat, port, EXPIRES_SECONDS)


async def call_again_and_again(
    install: AsteriskInstall,
    site: AsteriskSite,
    sounds: Path,
    callers: Sequence[str],
    *,
    calls: int,
    talk_seconds: float,
    every_second: Callable[[SippRun], None],
) -> Counter[str]:
    """Place so many calls, as many at once as there are callers, each playing `sounds`/<caller>.alaw; count how."""
    (sounds / "callers.csv").write_text("SEQUENTIAL\n" + "".join(f"{caller}\n" for caller in callers))
    address = site.citizen_addresses[0]
    look_ms = int(talk_seconds * 1000) + 250
    text = citizen_scenario(sounds / "[field0].alaw", talk_seconds, caller="[field0]", look_ms=look_ms)
    arguments = (
        *("-inf", str(sounds / "callers.csv"), "-m", str(calls), "-l", str(len(callers)), "-r", str(CALLS_A_SECOND)),
        *("-p", str(free_udp_port(address)), *rtp_ports(CITIZENS_RTP)),
        *("-key", "number", site.numbers[0], "-key", "display", ""),
    )
    async with sipp(install, (site.sip_address, site.sip_port), address, text, *arguments) as run:
        while run.process.returncode is None:
            every_second(run)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(run.process.wait(), 1)
        assert run.process.returncode == 0, run.errors()
        return Counter(line.split()[0] for line in run.log_lines())


def rtp_ports(ports: tuple[int, int]) -> tuple[str, ...]:
    return "-min_rtp_port", str(ports[0]), "-max_rtp_port", str(ports[1])
