import asyncio
import re
import socket
import tempfile
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from telephony.asterisk.configure import AsteriskSite
from telephony.asterisk.install import AsteriskInstall
from telephony.asterisk.process import free_port
from telephony.phones.audio import alaw_file
from telephony.phones.sipp import ONE_CALL, PhoneError, scenario_text, sipp

# SIP final answers that end an INVITE without a call (RFC 3261 section 21).
_REFUSALS = (
    400,
    401,
    403,
    404,
    405,
    408,
    410,
    413,
    415,
    416,
    420,
    480,
    481,
    482,
    483,
    484,
    486,
    487,
    488,
    500,
    501,
    503,
    504,
    513,
    600,
    603,
    604,
)
_LONGEST_SECONDS = 24 * 3600.0
_AFTER_SPEECH_MS = 200
# So often a citizen looks whether all is said.
_LOOK_MS = 50


@dataclass(frozen=True, slots=True)
class PlacedCall:
    """What the citizen's phone saw of one call."""

    sip_call_id: str
    started_at: datetime
    ended_at: datetime
    answered: bool
    # citizen_hung_up, agent_hung_up, gave_up (before an answer), refused (by Asterisk)
    ended_by: str
    refusal: int | None


async def place_call(
    install: AsteriskInstall,
    site: AsteriskSite,
    citizen: Path,
    *,
    caller: str = "13800001111",
    caller_name: str | None = None,
    hangup_after: float | None = None,
    number: str | None = None,
    sip_call_id: str | None = None,
    scenario: Path | None = None,
) -> PlacedCall:
    """Call the hotline from one of the site's citizen addresses; return when the call is over.

    `citizen` (any WAV, or raw .alaw) is played once from the moment a human answers; then the citizen hangs up, or
    earlier, `hangup_after` seconds after dialling, answered or not. `caller_name` is sent as SIP can carry it: line
    breaks become spaces. Raises PhoneError (SIPp failed), PhoneAudioError.
    """
    if not re.match(r"[+\w.*#-]{1,64}\Z", caller, re.ASCII):
        raise PhoneError(f"caller {caller!r} is not a telephone number.")
    if hangup_after is not None and hangup_after <= 0:
        raise PhoneError(f"hangup_after is {hangup_after} seconds; it must be above zero.")
    call_id = sip_call_id or f"zhitong-{uuid.uuid4().hex}@{site.citizen_addresses[0]}"
    address = site.citizen_addresses[0]
    with tempfile.TemporaryDirectory(prefix="zhitong-call-") as folder:
        audio = Path(folder) / "citizen.alaw"
        seconds = await asyncio.to_thread(alaw_file, citizen, audio)
        text = citizen_scenario(audio, seconds, hangup_after, scenario=scenario)
        rtp = free_port_pair(address)
        started_at = datetime.now(UTC)
        async with sipp(
            install,
            (site.sip_address, site.sip_port),
            address,
            text,
            *(*ONE_CALL, "-cid_str", call_id.replace("%", "%%"), "-p", str(free_udp_port(address))),
            *("-min_rtp_port", str(rtp), "-max_rtp_port", str(rtp + 3)),
            *("-key", "number", number or site.numbers[0], "-key", "caller", caller),
            *("-key", "display", display_name(caller_name)),
        ) as run:
            await run.process.wait()
            return _outcome(call_id, started_at, run.log_lines(), run.errors())


def citizen_scenario(
    audio: Path,
    seconds: float,
    hangup_after: float | None = None,
    *,
    caller: str = "[caller]",
    look_ms: int = _LOOK_MS,
    scenario: Path | None = None,
) -> str:
    """Return SIPp's scenario of a citizen who says `seconds` of raw A-law and hangs up.

    `audio` and `caller` may hold SIPp's keywords ([field0]): then one process is many citizens. Every `look_ms` each
    of them looks whether all is said. `scenario` extends the shipped one.
    """
    return scenario_text(
        "citizen.xml.j2" if scenario is None else scenario.name,
        {
            "audio": audio,
            "audio_ms": int(seconds * 1000) + _AFTER_SPEECH_MS,
            "hangup_seconds": hangup_after or _LONGEST_SECONDS,
            "refusals": _REFUSALS,
            "caller": caller,
            "look_ms": look_ms,
        },
        () if scenario is None else (scenario.parent,),
    )


def display_name(name: str | None) -> str:
    """Return a SIP display name (RFC 3261 section 25.1, quoted-string) for any text; empty for None."""
    if name is None:
        return ""
    return '"' + re.sub(r'(["\\])', r"\\\1", re.sub(r"[\r\n\0]+", " ", name)) + '"'


def free_udp_port(address: str) -> int:
    """Return a UDP port free on `address`."""
    return free_port(socket.SOCK_DGRAM, address)


def free_port_pair(address: str) -> int:
    """Return an even UDP port on `address` for RTP."""
    while (port := free_udp_port(address)) % 2:
        pass
    return port


def _outcome(call_id: str, started_at: datetime, lines: list[str], errors: str) -> PlacedCall:
    refusal = next((int(line.split()[1]) for line in lines if line.startswith("refused")), None)
    ends = [line for line in lines if line in {"citizen_hung_up", "agent_hung_up", "gave_up"}]
    if not ends and refusal is None:
        raise PhoneError(f"the call {call_id} did not end as a call does; SIPp says: {errors or 'nothing'}")
    return PlacedCall(
        sip_call_id=call_id,
        started_at=started_at,
        ended_at=datetime.now(UTC),
        answered="answered" in lines,
        ended_by=ends[-1] if ends else "refused",
        refusal=refusal,
    )
