import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from api.accounts import service
from api.accounts.access import COOKIE
from api.accounts.models import TokenRow
from api.kit.database import Database
from tests.api.conftest import NewToken

# What anybody may ask: whether it lives, the way in, and the description of the API (which holds no data).
OPEN = {"/", "/healthz", "/readyz", "/login", "/logout", "/docs", "/openapi.json"}
# A browser is led to the sign-in page, a program is refused.
PAGES = ("/desk", "/staffing")


def _routes(app: FastAPI) -> list[str]:
    found: list[str] = []
    for route in app.routes:
        inner = getattr(route, "original_router", None) or getattr(route, "router", None)
        within = inner.routes if inner is not None else [route]
        found += [each.path for each in within if isinstance(each, APIRoute) and "GET" in (each.methods or ())]
    return found


async def test_every_route_but_the_open_ones_asks_who_you_are(app: FastAPI, nobody: httpx.AsyncClient) -> None:
    guarded = [path for path in _routes(app) if path not in OPEN]
    assert len(guarded) >= 12
    for path in guarded:
        url = path.replace("{call_ref}", "1.1").replace("{ticket_id}", "1").replace("{recording_id}", "1--1--1")
        answer = await nobody.get(url)
        assert answer.status_code == (303 if path.startswith(PAGES) else 401), path
        forged = await nobody.get(url, headers={"Authorization": "Bearer zt_forged"})
        assert forged.status_code == (303 if path.startswith(PAGES) else 401), path


async def test_a_role_may_only_do_what_it_may(nobody: httpx.AsyncClient, new_token: NewToken) -> None:
    expected = {"agent": 403, "qa": 403, "supervisor": 200, "admin": 200, "machine": 200}
    for role, status in expected.items():
        answer = await nobody.get("/metrics", headers={"Authorization": f"Bearer {await new_token(role)}"})
        assert answer.status_code == status, role


async def test_a_token_is_stored_as_a_hash_only(database: Database, new_token: NewToken) -> None:
    token = await new_token("agent")
    async with database.session() as session:
        row = await session.get(TokenRow, 1)
        assert row is not None
        stored = f"{row.name} {row.role} {row.prefix} {row.sha256!r}"
    assert token.startswith(row.prefix)
    assert token not in stored
    assert len(token) >= 43


async def test_a_revoked_token_is_refused_at_once_and_its_sessions_too(
    nobody: httpx.AsyncClient, database: Database, new_token: NewToken
) -> None:
    token = await new_token("agent")
    assert (await nobody.post("/login", data={"token": token})).status_code == 303
    assert (await nobody.get("/api/v1/calls")).status_code == 200
    async with database.session() as session:
        assert await service.revoke_token(session, token[:10]) == 1
    assert (await nobody.get("/api/v1/calls")).status_code == 401
    assert (await nobody.get("/api/v1/calls", headers={"Authorization": f"Bearer {token}"})).status_code == 401


async def test_an_unknown_role_is_refused(database: Database) -> None:
    async with database.session() as session:
        with pytest.raises(service.UnknownRole, match="supervisor"):
            await service.create_token(session, name="x", role="mayor")


async def test_signing_in_gives_a_cookie_that_scripts_and_other_sites_cannot_use(
    nobody: httpx.AsyncClient, new_token: NewToken
) -> None:
    token = await new_token("agent")
    answer = await nobody.post("/login", data={"token": f" {token} ", "next": "/desk?call=1.1"})
    assert answer.headers["location"] == "/desk?call=1.1"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert token not in answer.headers["set-cookie"]
    assert (await nobody.get("/desk")).status_code == 200
    assert (await nobody.post("/logout")).status_code == 303
    nobody.cookies.set(COOKIE, answer.cookies[COOKIE])
    assert (await nobody.get("/desk")).status_code == 303, "the session has ended, not only its cookie"


@pytest.mark.parametrize("elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example", "/a\r\nX: y", ""])
async def test_signing_in_never_leads_to_another_site(
    nobody: httpx.AsyncClient, new_token: NewToken, elsewhere: str
) -> None:
    answer = await nobody.post("/login", data={"token": await new_token("agent"), "next": elsewhere})
    assert answer.headers["location"] == "/desk"


async def test_a_wrong_token_opens_nothing(nobody: httpx.AsyncClient) -> None:
    answer = await nobody.post("/login", data={"token": "zt_wrong"})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert "令牌无效" in answer.text


async def test_a_form_without_end_is_cut_off(nobody: httpx.AsyncClient) -> None:
    answer = await nobody.post("/login", content=b"token=" + b"x" * 100_000)
    assert answer.status_code == 400
