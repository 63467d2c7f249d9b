import asyncio
import contextlib
import signal
import tempfile
import uuid
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from api.cli.call import ended_call
from api.cli.options import Data
from api.cli.token import make
from api.cli.up import Port, running
from api.demo.script import CallScript, Script, load_script
from api.demo.speech import speak
from api.kit.settings import Settings
from api.setup.parts import asterisk, speaking_voice
from api.supervisor.site import asterisk_site
from telephony.asterisk.configure import AsteriskSite
from telephony.asterisk.install import AsteriskInstall
from telephony.phones import AgentPhone, place_call

# The ticket is there from the first words on; these say that the last ones are in it.
TRANSCRIBED = ("complete", "partial", "failed")
TICKET_WITHIN_SECONDS = 90.0
# The first two citizens call at once; the third waits for whoever is free first, as citizens do.
STAGGER_SECONDS = (0.0, 2.0, 4.0)
FIELDS = {
    "summary": "摘要",
    "category": "类别",
    "place": "地点",
    "urgency": "紧急",
    "complexity": "难易",
    "unit": "承办单位",
    "contact_phone": "电话",
    "contact_name": "姓名",
}
console = Console()


class NoTicketError(RuntimeError):
    """A demo call brought no draft ticket."""

    error_id = "demo.no_ticket"


def demo(
    once: Annotated[bool, typer.Option("--once", help="结束后退出 end when the calls are done")] = False,
    data: Data = None,
    port: Port = None,
) -> None:
    """Start everything, register the demo agents, place three real calls, show what each became."""
    asyncio.run(_demo(data, port, once))


async def _demo(data: Path | None, port: int | None, once: bool) -> None:
    stop = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    async with running(data, port, stop) as settings, contextlib.AsyncExitStack() as stack:
        script = load_script(settings.config_dir / "demo.toml")
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="zhitong-demo-")))
        site, install = asterisk_site(settings), asterisk(settings.tools_dir, console.print)
        sounds = await asyncio.to_thread(_speak_all, settings, script, folder)
        for extension in script.agent.voices:
            seat = next(seat for seat in site.agents if seat.extension == extension)
            await stack.enter_async_context(AgentPhone(install, site, seat, sounds[extension]))
            console.print(f"  话务员 {extension} 已上线 agent registered")
        token = await make(settings, "supervisor", "demo")
        base = f"http://{settings.http.host}:{settings.http.port}"
        console.print(
            f"\n[bold]{len(script.call)} 位市民拨打 12345 citizens dial[/] …（每通约 {script.seconds:.0f} 秒 each）"
        )
        shows = [
            _one_call(settings, site, install, entry, sounds[entry.caller], token, delay)
            for entry, delay in zip(script.call, _delays(len(script.call)), strict=True)
        ]
        await asyncio.gather(*shows)
        console.print(f"\n打开 open: [bold]{base}/login#token={token}[/]")
        if once:
            return
        console.print("话务员仍在线，可用 zhitong call 再拨 the agents stay; Ctrl-C 停止 stops")
        await stop.wait()


def _delays(count: int) -> list[float]:
    return [STAGGER_SECONDS[min(index, len(STAGGER_SECONDS) - 1)] for index in range(count)]


def _speak_all(settings: Settings, script: Script, folder: Path) -> dict[str, Path]:
    """Render what everybody says; the keys are the agents' extensions and the callers' numbers."""
    espeak = speaking_voice(settings.tools_dir, console.print)
    agents = {
        extension: speak(folder / f"agent-{extension}.wav", script.agent.lines, voice, espeak)
        for extension, voice in script.agent.voices.items()
    }
    citizens = {
        entry.caller: speak(folder / f"citizen-{index}.wav", entry.lines, entry.voice, espeak, script.seconds)
        for index, entry in enumerate(script.call)
    }
    return {**agents, **citizens}


async def _one_call(
    settings: Settings,
    site: AsteriskSite,
    install: AsteriskInstall,
    entry: CallScript,
    sound: Path,
    token: str,
    delay: float,
) -> None:
    await asyncio.sleep(delay)
    sip_call_id = f"zhitong-demo-{uuid.uuid4().hex}@{site.citizen_addresses[0]}"
    await place_call(install, site, sound, caller=entry.caller, sip_call_id=sip_call_id)
    call = await ended_call(settings, sip_call_id)
    base = f"http://{settings.http.host}:{settings.http.port}"
    async with httpx.AsyncClient(
        base_url=base, headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=10
    ) as http:
        ticket = await _ticket(http, call["call_ref"])
        transcript = (await http.get(f"/api/v1/calls/{call['call_ref']}/transcript")).raise_for_status().json()
    _show(entry, call, transcript, ticket, f"{base}/desk?call={call['call_ref']}")


async def _ticket(http: httpx.AsyncClient, call_ref: str) -> dict[str, Any]:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(TICKET_WITHIN_SECONDS):
            while True:
                call = (await http.get(f"/api/v1/calls/{call_ref}")).raise_for_status().json()
                if call["ticket_id"] and call["transcript_state"] in TRANSCRIBED:
                    answer = await http.get(f"/api/v1/tickets/{call['ticket_id']}")
                    ticket: dict[str, Any] = answer.raise_for_status().json()
                    return ticket
                await asyncio.sleep(0.3)
    raise NoTicketError(f"Call {call_ref} has no draft ticket after {TICKET_WITHIN_SECONDS:.0f} s. See log/worker.log.")


def _show(
    entry: CallScript, call: dict[str, Any], transcript: dict[str, Any], ticket: dict[str, Any], address: str
) -> None:
    heard = Table.grid(padding=(0, 1))
    for utterance in transcript["utterances"]:
        who = "[cyan]市民[/]" if utterance["speaker"] == "citizen" else "[magenta]话务员[/]"
        heard.add_row(f"{utterance['start']:5.1f}s", who, escape(utterance["text"]))
    draft = Table("字段 field", "机器建议 suggestion（待确认 unconfirmed）", "把握", "证据 evidence", expand=True)
    for name, title in FIELDS.items():
        field = ticket["fields"][name]
        evidence = "; ".join(f"{part['start']:.1f}–{part['end']:.1f}s" for part in field["evidence"])
        value = "（未提及 not said）" if field["value"] is None else escape(str(field["value"]))
        draft.add_row(title, value, f"{field['confidence']:.0%}" if field["value"] is not None else "", evidence)
    group = Table.grid(padding=(0, 0))
    group.add_row(
        f"话务员 [bold]{call['agent']}[/] 在 [bold]{call['wait_seconds']:.1f} 秒[/] 后接听 answered · "
        f"通话 talk {call['talk_seconds']:.1f} 秒 · {call['outcome']} · 工单 ticket {ticket['ticket_id']}"
    )
    for part in ("", heard, "", draft, "", address):
        group.add_row(part)
    console.print(Panel(group, title=f"{entry.title} · {entry.caller}", title_align="left"))
