import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.options import Data, Json
from api.kit.settings import load

app = typer.Typer(help="语音模型 the speech model", no_args_is_help=True)
_CATALOGUE = "models.toml"


@app.command()
def info(
    name: Annotated[str | None, typer.Argument(help="bundled, small-cn, a folder's name, or a path")] = None,
    data: Data = None,
    json_output: Json = False,
) -> None:
    """Say what a model is: sample rate, vocabulary, run-time grammar, licence. No NAME: the one that transcribes."""
    from asr.catalogue import load_catalogue  # noqa: PLC0415
    from asr.model import locate  # noqa: PLC0415

    settings = load(data)
    shape = locate(settings.models_dir, name or settings.speech.model).info()
    licences = {each.name: each.licence for each in load_catalogue(settings.config_dir / _CATALOGUE).values()}
    own = "Apache-2.0" if shape["synthetic_only"] else None
    shape["licence"] = licences.get(shape["name"], own)
    if json_output:
        typer.echo(json.dumps(shape, ensure_ascii=False, indent=2))
        return
    for label, value in _labels(shape):
        typer.echo(f"{label}  {value}")
    if shape["synthetic_only"]:
        typer.echo("只懂合成语音，不可用于真实来电 understands synthetic speech only: not for citizens' calls")


def _labels(shape: dict[str, Any]) -> list[tuple[str, str]]:
    grammar = "是 yes" if shape["runtime_grammar"] else "否 no（静态图 static graph）"
    return [
        ("名称 name           ", shape["name"]),
        ("路径 path           ", shape["path"]),
        ("采样率 sample rate  ", f"{shape['sample_rate']} Hz"),
        ("词汇 vocabulary     ", f"{shape['vocabulary_size']:,}"),
        ("运行时语法 grammar  ", grammar),
        ("许可 licence        ", shape["licence"] or "未知，见模型自带文件 unknown, see the model's own files"),
    ]


@app.command("list")
def list_models(data: Data = None, json_output: Json = False) -> None:
    """Show the models that are known or installed; * marks the one that transcribes."""
    from asr.catalogue import load_catalogue  # noqa: PLC0415
    from asr.errors import ModelError  # noqa: PLC0415
    from asr.model import BUNDLED, installed, locate  # noqa: PLC0415

    settings = load(data)
    try:
        used = locate(settings.models_dir, settings.speech.model).name
    except ModelError as error:
        used = ""
        typer.echo(f"错误 error [{error.error_id}]: {error}", err=True)
    here = {each.name for each in installed(settings.models_dir)}
    bundled = locate(settings.models_dir, BUNDLED)
    rows = [_row(BUNDLED, bundled.name, used, here=True, about="随附，只懂合成语音 comes along, synthetic speech only")]
    known = load_catalogue(settings.config_dir / _CATALOGUE).values()
    rows += [_row(each.alias, each.name, used, here=each.name in here, about=each.about) for each in known]
    # Unpacked archives of earlier releases of the bundled model are no choice of their own.
    others = here - {each.name for each in known} - {bundled.path.name}
    rows += [_row(name, name, used, here=True, about="") for name in sorted(others) if not name.startswith("zhitong-")]
    if json_output:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        state = "已安装 installed" if row["installed"] else f"未安装：zhitong model fetch {row['alias']}"
        typer.echo(f"{'*' if row['used'] else ' '} {row['alias']:10} {row['name']:28} {state}  {row['about']}")


def _row(alias: str, name: str, used: str, *, here: bool, about: str) -> dict[str, Any]:
    return {"alias": alias, "name": name, "installed": here, "used": name == used, "about": about}


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="small-cn or cn: see `zhitong model list`")],
    sha256: Annotated[
        str, typer.Option(help="校验和 the archive's checksum, where config/models.toml has none", metavar="HEX")
    ] = "",
    data: Data = None,
) -> None:
    """下载模型 Bring an official model here: goes on where it stopped, checked before it is used."""
    from asr.catalogue import known_model, load_catalogue  # noqa: PLC0415
    from asr.fetch import fetch as fetch_model  # noqa: PLC0415

    settings = load(data)
    known = known_model(load_catalogue(settings.config_dir / _CATALOGUE), name)
    fetched = fetch_model(known, settings.models_dir, typer.echo, sha256)
    said = "已安装 installed" if fetched.brought else "已经在这里 is here already"
    typer.echo(f"{said}: {fetched.model.path}")
    typer.echo(f'启用 to use it: [speech] model = "{known.alias}" in {settings.config_dir / "zhitong.toml"}')


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
