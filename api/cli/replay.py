import json
from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import Json


def replay(
    files: Annotated[list[Path], typer.Argument(help="raw AMI captures (bytes as received; .gz too)")],
    json_output: Json = False,
) -> None:
    """Raw AMI capture → calls, through the same reducer as the router."""
    from telephony.calls.replay import replay_fully  # noqa: PLC0415

    calls = []
    for file in files:
        result = replay_fully(file)
        for warning in result.warnings:
            typer.echo(f"{file}: {warning}", err=True)
        calls += [call.to_json() for call in result.calls]
    if json_output:
        typer.echo(json.dumps(calls, ensure_ascii=False, indent=2))
        return
    for call in calls:
        typer.echo(
            f"{call['offered_at']}  {call['outcome']:<15} 等待 {call['wait_seconds'] or 0:6.1f} s  "
            f"通话 {call['talk_seconds'] or 0:6.1f} s  话务员 {call['agent'] or '-':<6} 来电 {call['caller'] or '-'}"
        )
