from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import Data
from api.kit.settings import load


def check_dialplan(
    file: Annotated[Path | None, typer.Argument(help="an extensions.conf (default: the one we ship)")] = None,
    data: Data = None,
) -> None:
    """Prove that every path from 12345 reaches a human with no menu, or name the line that breaks it."""
    from api.supervisor.site import asterisk_site  # noqa: PLC0415
    from telephony.asterisk.configure import render_dialplan  # noqa: PLC0415
    from telephony.dialplan import check  # noqa: PLC0415

    settings = load(data)
    if file is None:
        site = asterisk_site(settings)
        name = "config/asterisk/extensions.conf.j2 (rendered)"
        text = render_dialplan(site.templates, site.agents, site.numbers, site.desks, site.trunk, site.sites)
        numbers = site.all_numbers
    else:
        name, text = str(file), file.read_text(encoding="utf-8")
        numbers = ("12345",)
    findings = sorted({finding for number in numbers for finding in check(text, number=number)})
    for finding in findings:
        typer.echo(f"{name}:{finding.line}: {finding.reason}")
    if findings:
        raise typer.Exit(1)
    typer.echo(
        f"{name}: 从 {'、'.join(numbers)} 出发的每条路都通向人，没有语音菜单 "
        f"every path from {', '.join(numbers)} reaches a human, with no menu"
    )
