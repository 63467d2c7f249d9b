import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import Data, Json
from api.kit.settings import load

app = typer.Typer(help="语音模型 the speech model", no_args_is_help=True)


@app.command()
def info(data: Data = None, json_output: Json = False) -> None:
    """Which model transcribes: name, sample rate, vocabulary, whether run-time grammar works."""
    from api.setup.parts import speech_model  # noqa: PLC0415

    shape = speech_model(load(data)).info()
    if json_output:
        typer.echo(json.dumps(shape, ensure_ascii=False, indent=2))
        return
    for name, value in shape.items():
        typer.echo(f"{name:16} {value}")
    if shape["synthetic_only"]:
        typer.echo("只懂合成语音，不可用于真实来电 understands synthetic speech only: not for citizens' calls")


@app.command()
def train(
    out: Annotated[Path, typer.Option(help="where the archive goes")] = Path("build/model"),
    data: Data = None,
) -> None:
    """Train the bundled model anew, from config/speech and the names in config/ (extra [train]; about 25 minutes)."""
    from api.setup.parts import training_tools  # noqa: PLC0415
    from asr.training import train as train_model  # noqa: PLC0415

    settings = load(data)
    tools = training_tools(settings.tools_dir, typer.echo)
    typer.echo(train_model(out, settings.config_dir, tools, datetime.now(UTC).date(), typer.echo))


@app.command()
def words(
    archive: Annotated[Path, typer.Argument(help="a model that `train` made, asr/models/….tar.xz")],
    out: Annotated[Path, typer.Option(help="where the renewed archive goes")] = Path("build/model"),
    data: Data = None,
) -> None:
    """Teach a trained model the words and names that config/ holds now, without training it anew (seconds)."""
    from api.setup.parts import training_tools  # noqa: PLC0415
    from asr.training import renew_words  # noqa: PLC0415

    settings = load(data)
    tools = training_tools(settings.tools_dir, typer.echo)
    typer.echo(renew_words(archive, out, settings.config_dir, tools, typer.echo))
