import httpx
from fastapi import FastAPI
from sqlalchemy import text

from api.accounts.access import Session


async def test_an_unknown_address_is_a_problem_document(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/nothing")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["error_id"] == "not_found"


async def test_a_malformed_request_names_what_is_wrong(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/calls", params={"from": "yesterday", "limit": 0})
    assert answer.status_code == 422
    assert answer.json()["error_id"] == "malformed"
    assert {each["where"] for each in answer.json()["errors"]} == {"query.from", "query.limit"}


async def test_a_cursor_of_somebody_elses_making_is_refused(client: httpx.AsyncClient) -> None:
    for cursor in ("x", "WyJhIiwgImIiXQ", "bnVsbA", "é"):
        answer = await client.get("/api/v1/calls", params={"cursor": cursor})
        assert (answer.status_code, answer.json()["error_id"]) == (400, "bad_cursor"), cursor


async def test_a_commit_that_fails_is_not_answered_with_success(app: FastAPI) -> None:
    @app.get("/commit-fails")
    async def commit_fails(session: Session) -> dict[str, bool]:
        await session.execute(
            text("CREATE TEMP TABLE late (a int UNIQUE DEFERRABLE INITIALLY DEFERRED) ON COMMIT DROP")
        )
        await session.execute(text("INSERT INTO late VALUES (1), (1)"))
        return {"stored": True}

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://zhitong.test") as client:
        answer = await client.get("/commit-fails")
    assert answer.status_code == 500
    assert "stored" not in answer.text


async def test_a_form_from_another_site_changes_nothing(nobody: httpx.AsyncClient) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = await nobody.post("/logout", headers=headers)
        assert (answer.status_code, answer.json()["error_id"]) == (403, "foreign_origin")
    assert (await nobody.post("/logout", headers={"Origin": "http://zhitong.test"})).status_code == 303
