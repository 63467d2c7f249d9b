import asyncio
from typing import Annotated

import typer

from api.cli.options import Data
from api.kit.database import Database, url_of
from api.kit.settings import Settings, load

app = typer.Typer(help="令牌 bearer tokens for machines and for the pages' login", no_args_is_help=True)


@app.command()
def create(
    role: Annotated[str, typer.Option(help="agent, qa, supervisor, admin or machine")],
    name: Annotated[str, typer.Option(help="whom it is for")],
    data: Data = None,
) -> None:
    """Make a token; it is shown this once and stored as a hash only."""
    typer.echo(asyncio.run(make(load(data), role, name)))


@app.command()
def revoke(
    prefix: Annotated[str, typer.Argument(help="the token, or its first ten characters")],
    data: Data = None,
) -> None:
    """End a token and every login made with it, at once."""
    count = asyncio.run(_revoke(load(data), prefix[:10]))
    typer.echo(f"已吊销 revoked: {count}")
    if count == 0:
        raise typer.Exit(1)


async def _revoke(settings: Settings, prefix: str) -> int:
    from api.accounts.service import revoke_token  # noqa: PLC0415

    database = Database(url_of(settings), pool_size=1)
    try:
        async with database.session() as session:
            return await revoke_token(session, prefix)
    finally:
        await database.close()


async def make(settings: Settings, role: str, name: str) -> str:
    """Store a new token and return it. Raises a Problem for an unknown role."""
    from api.accounts.service import create_token  # noqa: PLC0415

    database = Database(url_of(settings), pool_size=1)
    try:
        async with database.session() as session:
            return await create_token(session, name=name, role=role)
    finally:
        await database.close()
