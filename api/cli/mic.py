import os
import re
import signal
import stat
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.options import Data
from api.kit.settings import Settings, load
from asr.microphone import RATE, Audio, Capture
from asr.spool import SpooledRecording, recover, waiting

if TYPE_CHECKING:
    from asr.dictation import Dictation

app = typer.Typer(help="麦克风 dictation and local recording at an agent's desk", no_args_is_help=True)

Agent = Annotated[str, typer.Option(envvar="ZHITONG_AGENT", help="工号 the agent's extension, such as 8001")]
CallRef = Annotated[str | None, typer.Option("--call", help="来电 the call it belongs to; none: a walk-in 来访")]
WantedDevice = Annotated[str | None, typer.Option("--device", help="number or name, see `zhitong mic devices`")]
Seconds = Annotated[float | None, typer.Option(min=0.1, help="stop after so long; else Ctrl-C stops")]
Server = Annotated[str | None, typer.Option(envvar="ZHITONG_SERVER", help="address; default: this machine's")]
TokenFile = Annotated[
    Path | None, typer.Option(help="file (mode 0600) with the token; else the variable ZHITONG_TOKEN is read")
]
_CLEAR = "\r\x1b[K"
_CALL_REF, _AGENT = re.compile(r"[A-Za-z0-9_.-]{1,150}"), re.compile(r"[A-Za-z0-9_]{1,40}")


class MicError(Exception):
    """What was asked for cannot be done; the message says why."""

    error_id = "mic"


@app.command()
def devices(data: Data = None) -> None:
    """列出设备 Show what can record; * marks the default."""
    with Audio(load(data).tools_dir) as audio:
        found = audio.devices()
    for each in found:
        mark = "*" if each.default else " "
        typer.echo(f"{mark} {each.index:3}  {each.name}  ({each.channels} 声道 ch, {each.rate} Hz)")
    if not found:
        typer.echo("没有麦克风 there is no device that records", err=True)
        raise typer.Exit(1)


@app.command()
def record(
    agent: Agent,
    call: CallRef = None,
    device: WantedDevice = None,
    channels: Annotated[int, typer.Option(min=1, max=2, help="2: agent left, citizen right")] = 1,
    seconds: Seconds = None,
    server: Server = None,
    token_file: TokenFile = None,
    data: Data = None,
) -> None:
    """本机录音 Record here when the PBX cannot; kept in <data>/spool until the server has it."""
    settings = load(data)
    spool = _spool(settings)
    recording_id = new_recording_id(agent, call)
    with Audio(settings.tools_dir) as audio:
        capture = audio.capture(audio.choose(device), channels=channels)
        with SpooledRecording(spool, recording_id, channels, RATE) as out:
            typer.echo(f"● 录音 recording: {capture.device.name} → {out.path}  (Ctrl-C 停止 stops)")
            stop = _stop_on_signals()
            for chunk in capture:
                out.write(chunk)
                if stop.is_set() or (seconds is not None and out.seconds >= seconds):
                    break
            lost = capture.lost_seconds
        typer.echo(f"■ {out.seconds:.1f} s")
        _tell_lost(lost)
    _send_all(settings, server, token_file)


@app.command()
def dictate(
    agent: Agent,
    call: CallRef = None,
    device: WantedDevice = None,
    seconds: Seconds = None,
    server: Server = None,
    token_file: TokenFile = None,
    data: Data = None,
) -> None:
    """听写 Show the words while you speak; the server makes a draft ticket of them (a walk-in, or --call's)."""
    from asr.dictation import Dictation  # noqa: PLC0415
    from asr.draft import draft, load_gazetteer, load_taxonomy  # noqa: PLC0415
    from asr.model import locate  # noqa: PLC0415

    settings = load(data)
    spool = _spool(settings)
    recording_id = new_recording_id(agent, call)
    gazetteer = load_gazetteer(settings.config_dir / "gazetteer")
    dictation = Dictation(locate(settings.models_dir, settings.speech.model), RATE, gazetteer.names)
    with Audio(settings.tools_dir) as audio:
        capture = audio.capture(audio.choose(device))
        with SpooledRecording(spool, recording_id, 1, RATE) as out:
            typer.echo(f"● 请讲 speak: {capture.device.name}  (Ctrl-C 结束 ends)")
            _take_down(capture, out, dictation, seconds)
            lost = capture.lost_seconds
    _tell_lost(lost)
    heard = dictation.transcript(recording_id.split("--")[0])
    fields = draft(heard, load_taxonomy(settings.config_dir / "taxonomy.toml"), gazetteer).to_json()
    typer.echo("草稿 draft:")
    for name, field in fields.items():
        if field["value"] is not None:
            typer.echo(f"  {name:14} {field['value']}  ({field['confidence']:.0%})")
    _send_all(settings, server, token_file)


@app.command()
def upload(server: Server = None, token_file: TokenFile = None, data: Data = None) -> None:
    """上传 Send everything in the spool; a file goes from here when the server has the same bytes."""
    settings = load(data)
    _spool(settings)
    _send_all(settings, server, token_file)


def new_recording_id(agent: str, call_ref: str | None) -> str:
    """Name a recording that begins now. Raises MicError."""
    if not _AGENT.fullmatch(agent):
        raise MicError(f"工号 {agent!r} is no extension: give --agent, such as 8001 (or ZHITONG_AGENT)")
    if call_ref is not None and (not _CALL_REF.fullmatch(call_ref) or "--" in call_ref):
        raise MicError(f"来电 {call_ref!r} is no call: give call_ref as the desk shows it")
    return f"{call_ref or f'walkin-{uuid.uuid4().hex}'}--{agent}--{time.time_ns() // 1000}"


def _take_down(capture: Capture, out: SpooledRecording, dictation: "Dictation", seconds: float | None) -> None:
    stop, live, shown = _stop_on_signals(), sys.stdout.isatty(), ""
    for chunk in capture:
        out.write(chunk)
        heard = dictation.feed(chunk[:, 0])
        for utterance in heard:
            typer.echo((_CLEAR if live else "") + utterance.text)
        if not heard and live and (partial := dictation.partial) != shown:
            shown = partial
            typer.echo(f"{_CLEAR}… {partial}", nl=False)
        if stop.is_set() or (seconds is not None and out.seconds >= seconds):
            break
    last = dictation.finish()
    if live:
        typer.echo(_CLEAR, nl=False)
    for utterance in last:
        typer.echo(utterance.text)


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _tell_lost(seconds: float) -> None:
    if seconds > 1.0:
        typer.echo(f"注意 about {seconds:.1f} s of sound were lost: the device or this machine was too slow", err=True)


def _spool(settings: Settings) -> Path:
    spool = settings.data_dir / "spool"
    for path in recover(spool):
        typer.echo(f"修复 repaired after a crash: {path.name}")
    return spool


def _token(token_file: Path | None) -> str:
    if token_file is not None:
        try:
            if token_file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise MicError(f"{token_file} can be read by others: chmod 600 {token_file}")
            return token_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise MicError(f"{token_file} cannot be read: {error.strerror}") from error
    token = os.environ.get("ZHITONG_TOKEN", "").strip()
    if not token:
        raise MicError(
            "没有令牌 no token: recordings stay in the spool. Set ZHITONG_TOKEN or give --token-file "
            "(zhitong token create --role agent --name <extension>), then: zhitong mic upload"
        )
    return token


def _send_all(settings: Settings, server: str | None, token_file: Path | None) -> None:
    from api.recordings.client import send  # noqa: PLC0415

    files = waiting(settings.data_dir / "spool")
    if not files:
        typer.echo("没有待上传的录音 nothing waits to be sent")
        return
    token = _token(token_file)
    address = server or f"http://{settings.http.host}:{settings.http.port}"
    kept = 0
    for path in files:
        result = send(path, address, token)
        if result.outcome == "stored":
            typer.echo(f"已上传 stored: {path.stem}  {address}/calls/{result.detail}")
        elif result.outcome == "present":
            typer.echo(f"服务器已有录音 the server has it: {path.stem}  {result.detail}")
        else:
            kept += 1
            typer.echo(f"未上传，保留在本机 kept here: {path}  {result.detail}", err=True)
    if kept:
        typer.echo("稍后重试 later: zhitong mic upload", err=True)
        raise typer.Exit(1)
