"""The guard of every route: a bearer token, or the cookie of a session opened with one."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import service
from api.accounts.roles import Permission
from api.accounts.service import Principal
from api.kit.database import Database
from api.kit.problems import Unauthenticated

COOKIE = "zhitong_session"
_bearer = HTTPBearer(auto_error=False, description="A token made with `zhitong token create`.")


async def get_session(request: Request) -> AsyncIterator[AsyncSession]:
    """Give the request's transaction; committed before the answer leaves."""
    database: Database = request.app.state.database
    async with database.session() as session:
        yield session


# "function": the exit runs before the answer is sent, so a failed commit cannot hide behind a 200, and a stream holds
# no transaction open.
Session = Annotated[AsyncSession, Depends(get_session, scope="function")]


async def identify(
    request: Request,
    session: Session,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)] = None,
) -> Principal | None:
    """Return who asks, None where nobody is known."""
    if bearer is not None:
        return await service.by_token(session, bearer.credentials)
    secret = request.cookies.get(COOKIE)
    return await service.by_session(session, secret) if secret else None


Identity = Annotated[Principal | None, Depends(identify, scope="function")]


async def known(principal: Identity) -> Principal:
    """Return who asks. Raises Unauthenticated."""
    if principal is None:
        raise Unauthenticated(
            "Send a token that is valid: Authorization: Bearer zt_… (zhitong token create makes one).",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return principal


Known = Annotated[Principal, Depends(known, scope="function")]


class Require:
    """Dependency: whoever asks is known and may do this. Raises Unauthenticated, Forbidden."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, principal: Known) -> Principal:
        """Return who asks."""
        principal.must(self.permission)
        return principal
