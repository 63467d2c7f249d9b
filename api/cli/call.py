import asyncio
import contextlib
import fcntl
import json
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from api.calls.service import calls_json, find_by_sip_call_id
from api.cli.options import Data, Json
from api.kit.database import Database, url_of
from api.kit.settings import Settings, load
from api.supervisor.machine import asterisk_greets
from api.supervisor.site import asterisk_site
from telephony.asterisk.configure import AgentSeat, AsteriskSite
from telephony.asterisk.install import AsteriskInstall

GREETING = "您好，一二三四五热线，请讲。"
GREETING_VOICE = "f4"
# The router may be down while the call runs; it is given this long to come back and tell what became of it.
STORED_WITHIN_SECONDS = 90.0


class NothingUpError(RuntimeError):
    """There is no running system to call."""

    error_id = "call.nothing_up"


class CallNotStoredError(RuntimeError):
    """The call took place but was not stored in time."""

    error_id = "call.not_stored"


def call(
    citizen: Annotated[Path, typer.Option(help="what the citizen says: any WAV", metavar="WAV")],
    agent_audio: Annotated[Path | None, typer.Option(help="what the agent says", metavar="WAV")] = None,
    caller: Annotated[str, typer.Option(help="the citizen's number")] = "13800001111",
    caller_name: Annotated[str | None, typer.Option(help="the name that the citizen's phone shows")] = None,
    hangup_after: Annotated[float | None, typer.Option(help="hang up so many seconds after dialling")] = None,
    data: Data = None,
    json_output: Json = False,
) -> None:
    """Place a real SIP call into the running system, wait for its end, print what was stored of it.

    Where the site has drill seats (a machine without a trunk), an agent's phone is brought along for the call;
    elsewhere a real agent must answer.
    """
    stored = asyncio.run(_call(load(data), citizen, agent_audio, caller, caller_name, hangup_after))
    if json_output:
        typer.echo(json.dumps(stored, ensure_ascii=False, indent=2))
        return
    wait = f"{stored['wait_seconds']:.1f} s" if stored["wait_seconds"] is not None else "-"
    typer.echo(f"{stored['call_ref']}  {stored['outcome']}  等待 wait {wait}  话务员 agent {stored['agent'] or '-'}")


async def _call(
    settings: Settings,
    citizen: Path,
    agent_audio: Path | None,
    caller: str,
    caller_name: str | None,
    hangup_after: float | None,
) -> dict[str, Any]:
    from api.setup.parts import asterisk  # noqa: PLC0415
    from telephony.phones import place_call  # noqa: PLC0415

    if not (settings.data_dir / "secrets.toml").exists() or not await asterisk_greets(settings):
        raise NothingUpError(
            f"No Asterisk answers for {settings.data_dir}. Start it first: zhitong up, or give --data DIR."
        )
    site, install = asterisk_site(settings), asterisk(settings.tools_dir, typer.echo)
    sip_call_id = f"zhitong-{uuid.uuid4().hex}@{site.citizen_addresses[0]}"
    async with _drill_phone(settings, site, install, agent_audio):
        await place_call(
            install,
            site,
            citizen,
            caller=caller,
            caller_name=caller_name,
            hangup_after=hangup_after,
            sip_call_id=sip_call_id,
        )
    return await ended_call(settings, sip_call_id)


async def ended_call(settings: Settings, sip_call_id: str) -> dict[str, Any]:
    """Wait until the call of this SIP dialogue is stored as ended; return it. Raises CallNotStoredError."""
    database = Database(url_of(settings), pool_size=1)
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STORED_WITHIN_SECONDS):
                while True:
                    async with database.session() as session:
                        row = await find_by_sip_call_id(session, sip_call_id)
                        if row is not None and row.ended_at is not None:
                            return (await calls_json(session, [row]))[0]
                    await asyncio.sleep(0.2)
    finally:
        await database.close()
    raise CallNotStoredError(
        f"The call took place (SIP Call-ID {sip_call_id}) but was not stored within {STORED_WITHIN_SECONDS:.0f} s. "
        "Is the router up? See: zhitong status. Nothing is lost: it is completed from Asterisk's records."
    )


@contextlib.asynccontextmanager
async def _drill_phone(
    settings: Settings, site: AsteriskSite, install: AsteriskInstall, audio: Path | None
) -> AsyncIterator[None]:
    from telephony.phones import AgentPhone  # noqa: PLC0415

    seats = [seat for seat in site.agents if seat.drill]
    if not seats:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="zhitong-drill-") as folder, _free_seat(settings, seats) as seat:
        if audio is None:
            audio = await asyncio.to_thread(_greeting, settings, Path(folder))
        async with AgentPhone(install, site, seat, audio):
            yield


@contextlib.contextmanager
def _free_seat(settings: Settings, seats: list[AgentSeat]) -> Iterator[AgentSeat]:
    """Hold a drill seat that no other `zhitong call` on this machine uses."""
    with contextlib.ExitStack() as stack:
        for seat in seats:
            lock = stack.enter_context((settings.data_dir / "run" / f"drill-{seat.extension}.lock").open("w"))
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield seat
                return
        raise NothingUpError(f"All {len(seats)} drill seats are in use. Add some to config/agents.toml, or wait.")


def _greeting(settings: Settings, folder: Path) -> Path:
    from api.demo.speech import speak  # noqa: PLC0415
    from api.setup.parts import speaking_voice  # noqa: PLC0415

    espeak = speaking_voice(settings.tools_dir, lambda line: typer.echo(line, err=True))
    return speak(folder / "greeting.wav", [(0.3, GREETING)], GREETING_VOICE, espeak)
