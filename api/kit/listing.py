"""A list of many rows: asked for a page at a time, or whole as a file."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Depends, Query, Request
from fastapi.responses import Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts.access import Known, Session
from api.accounts.roles import Permission
from api.kit import sheet
from api.kit.database import Database
from api.kit.pagination import Cursor

Row = dict[str, Any]
AskedForm = Annotated[Literal["json", "csv", "xlsx"], Query(alias="format")]
AskedFile = Annotated[sheet.Form, Query(alias="format")]
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Listing:
    """A list: how a page of it is read, and the name and columns of its file.

    `page` gives rows in the API's shape from behind a cursor, and the cursor of the next page; `flat` makes of such a
    row one with the file's columns.
    """

    name: str
    columns: tuple[str, ...]
    page: Callable[[AsyncSession, Cursor | None, int], Awaitable[tuple[list[Row], str | None]]]
    flat: Callable[[Row], Mapping[str, Any]] = dict

    async def download(self, database: Database, form: sheet.Form) -> Response:
        """Answer with the whole list as a file."""
        return await sheet.download(self.name, form, self.columns, self._pages(database))

    async def _pages(self, database: Database) -> AsyncIterator[sheet.Rows]:
        cursor, more = None, True
        while more:
            # A page is a transaction: a year's export holds none open.
            async with database.session() as session:
                rows, following = await self.page(session, cursor, _BATCH)
            yield [[flat[name] for name in self.columns] for flat in map(self.flat, rows)]
            cursor, more = Cursor.decode(following) if following else None, following is not None


@dataclass(frozen=True, slots=True)
class Place:
    """Which page of a list: so many rows from behind a cursor."""

    cursor: Cursor | None
    limit: int


def _place(
    cursor: Annotated[str | None, Query(max_length=600)] = None, limit: Annotated[int, Query(ge=1, le=500)] = 50
) -> Place:
    return Place(Cursor.decode(cursor) if cursor else None, limit)


AskedPlace = Annotated[Place, Depends(_place)]


class Asked:
    """Dependency of a route that gives a list: what is asked for, and by whom; the route says who may read it."""

    def __init__(
        self, request: Request, session: Session, principal: Known, place: AskedPlace, form: AskedForm = "json"
    ) -> None:
        self.database: Database = request.app.state.database
        self.session, self.principal, self.place, self.form = session, principal, place, form

    async def answer(self, listing: Listing) -> Any:
        """Give a page of the list, or all of it as a file. Raises Forbidden."""
        if self.form == "json":
            rows, following = await listing.page(self.session, self.place.cursor, self.place.limit)
            return {"items": rows, "next_cursor": following}
        self.principal.must(Permission.EXPORT)
        return await listing.download(self.database, self.form)


AskedList = Annotated[Asked, Depends(Asked, scope="function")]
