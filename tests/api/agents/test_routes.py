"""Who may order what of whose phone."""

from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from api.accounts import service as accounts
from api.accounts.access import COOKIE
from api.agents.service import store_revisions
from api.commands.repository import HoldRepository
from api.kit import clock
from api.kit.database import Database
from telephony.agents.model import AgentSpell, Revision
from tests.api.conftest import NewToken


@pytest.fixture
async def agents(database: Database) -> None:
    async with database.session() as session:
        await accounts.store_agents(session, {"8001": "张敏", "8002": "陈立"})


async def browser(app: FastAPI, database: Database, token: str, seat: str | None) -> httpx.AsyncClient:
    """A signed-in browser at a seat."""
    async with database.session() as session:
        principal = await accounts.by_token(session, token)
        assert principal is not None
        secret = await accounts.open_session(session, principal, 1)
        await accounts.take_seat(session, secret, seat)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://zhitong.test", cookies={COOKIE: secret}
    )


@pytest.mark.usefixtures("agents")
async def test_agents_are_shown_with_what_they_do_and_until_when_they_are_held(
    client: httpx.AsyncClient, database: Database
) -> None:
    now = clock.now()
    spell = AgentSpell("8001", "main", "wrap_up", "wrap-up", "1.1", now)
    async with database.session() as session:
        await store_revisions(session, [Revision("8001", "main", now, (spell,))])
        await HoldRepository(session).put(
            {
                "node": "main",
                "agent": "8001",
                "kind": "wrap_up",
                "since_at": now,
                "until_at": now + timedelta(seconds=90),
                "call_ref": "1.1",
                "count": 0,
            }
        )
    first, second = (await client.get("/api/v1/agents")).raise_for_status().json()["items"]
    assert (first["extension"], first["name"], first["state"], first["call_ref"]) == ("8001", "张敏", "wrap_up", "1.1")
    assert first["held_until"] > first["since"]
    assert (second["extension"], second["state"], second["held_until"]) == ("8002", None, None)


@pytest.mark.usefixtures("agents")
async def test_an_agent_orders_for_the_own_seat_only_and_a_supervisor_for_all(
    app: FastAPI, database: Database, new_token: NewToken
) -> None:
    async with await browser(app, database, await new_token("agent"), "8001") as agent:
        for path in ("8002/pause", "8001/listen", "8001/set_penalty"):
            assert (await agent.post(f"/api/v1/agents/{path}", json={})).json()["error_id"] == "forbidden", path
        assert (await agent.post("/api/v1/agents/8001/reboot")).json()["error_id"] == "not_found"
        assert (await agent.post("/api/v1/agents/8001/pause", json={})).json()["error_id"] == "unknown_order"
        assert (await agent.get("/api/v1/commands")).json()["error_id"] == "forbidden"
        assert (await agent.post("/desk/seat", data={"extension": "8099"})).json()["error_id"] == "unknown_seat"
    async with await browser(app, database, await new_token("agent"), None) as unseated:
        assert (await unseated.post("/api/v1/agents/8001/unpause")).json()["error_id"] == "forbidden"
    async with await browser(app, database, await new_token("qa"), None) as auditor:
        assert (await auditor.post("/api/v1/agents/8001/unpause")).json()["error_id"] == "forbidden"
        assert (await auditor.get("/api/v1/agents")).status_code == 200
    async with await browser(app, database, await new_token("supervisor"), None) as supervisor:
        order = {"verb": "advise", "arguments": {"family": "sticky"}}
        assert (await supervisor.post("/api/v1/commands", json=order)).json()["error_id"] == "unknown_order"
        assert (await supervisor.get("/api/v1/commands")).json() == {"items": []}
