from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    Path | None,
    typer.Option("--data", help="数据目录 data directory (default: ZHITONG_DATA, else var/)", metavar="DIR"),
]
Json = Annotated[bool, typer.Option("--json", help="machine-readable output")]
