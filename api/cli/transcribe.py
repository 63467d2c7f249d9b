import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.options import Data, Json
from api.kit.settings import load


class Left(StrEnum):
    """Who is on the left channel of a stereo file."""

    agent = "agent"
    citizen = "citizen"


def transcribe(
    files: Annotated[list[Path], typer.Argument(help="recordings, any WAV; mono is the citizen's voice")],
    draft: Annotated[bool, typer.Option("--draft", help="草稿 the draft ticket as well, with its evidence")] = False,
    left: Annotated[Left, typer.Option(help="who is on the left of a stereo file")] = Left.agent,
    data: Data = None,
    json_output: Json = False,
) -> None:
    """Turn recordings into transcripts (and drafts), offline. With --json: one object, or a list for several files."""
    from api.setup.parts import speech_model  # noqa: PLC0415
    from asr.audio import track_sources  # noqa: PLC0415
    from asr.draft import draft as draft_of  # noqa: PLC0415
    from asr.draft import load_gazetteer, load_taxonomy  # noqa: PLC0415
    from asr.errors import AsrError  # noqa: PLC0415
    from asr.recognizer import Decoder  # noqa: PLC0415

    settings = load(data)
    taxonomy = load_taxonomy(settings.config_dir / "taxonomy.toml")
    gazetteer = load_gazetteer(settings.config_dir / "gazetteer")
    shapes: list[dict[str, Any]] = []
    failed = False
    with Decoder(speech_model(settings)) as decoder:
        for file in files:
            try:
                heard = decoder.transcribe(track_sources([file], left.value), file.stem, gazetteer.names)
            except AsrError as error:
                failed = True
                typer.echo(f"错误 error [{error.error_id}] {file}: {error}", err=True)
                continue
            shape = heard.to_json()
            if draft:
                shape["draft"] = {"state": "draft", "fields": draft_of(heard, taxonomy, gazetteer).to_json()}
            shapes.append(shape)
            if not json_output:
                _print(file, shape)
    if json_output:
        typer.echo(json.dumps(shapes[0] if len(files) == 1 and shapes else shapes, ensure_ascii=False, indent=2))
    if failed:
        raise typer.Exit(1)


def _print(file: Path, shape: dict[str, Any]) -> None:
    note = "（有缺损 torn）" if shape["state"] == "partial" else ""
    typer.echo(f"{file}  模型 model {shape['model']} {note}")
    for utterance in shape["utterances"]:
        who = "市民  " if utterance["speaker"] == "citizen" else "话务员"
        typer.echo(f"  {utterance['start']:7.2f}–{utterance['end']:7.2f}  {who}  {utterance['text']}")
    for name, field in shape.get("draft", {}).get("fields", {}).items():
        seconds = ", ".join(f"{part['start']:.2f}–{part['end']:.2f} s" for part in field["evidence"])
        value = (
            "（未提及 not said）"
            if field["value"] is None
            else f"{field['value']}  ({field['confidence']:.0%})  {seconds}"
        )
        typer.echo(f"  {name:14} {value}")
