"""The record and the callbacks as pages: who sees what, what is hostile, what is in force."""

from datetime import timedelta

import httpx

from api.kit import clock
from api.kit.database import Database
from tests.api.callbacks.conftest import Follower
from tests.api.conftest import NewToken
from tests.api.enforcement.conftest import Desk, abandoned, waiting


async def test_each_role_sees_its_part(nobody: httpx.AsyncClient, database: Database, new_token: NewToken) -> None:
    desk, follower = Desk(database), Follower(database)
    desk.now = now = clock.now()
    await desk.store(*(waiting(f"1.{number}", now - timedelta(seconds=20)) for number in range(6)))
    await desk.look(times=3)
    hostile = ["13800000001", None, "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>']
    await follower.store(
        *(abandoned(f"2.{n}", now - timedelta(hours=1), caller=caller) for n, caller in enumerate(hostile))
    )
    await follower.follow(now)
    await nobody.post("/login", data={"token": await new_token("supervisor")})
    record = (await nobody.get("/enforcement")).text
    assert "启用后备" in record
    assert "执行中" in record
    owed = (await nobody.get("/callbacks", params={"state": "all"})).text
    assert "未显示号码" in owed
    assert "data-dial" in owed
    assert "<script>alert" not in owed
    assert "<img" not in owed
    assert "style=" not in owed + record
    for address in ("/enforcement?day=x", "/enforcement/rows?cursor=x", "/callbacks/rows?cursor=x"):
        assert (await nobody.get(address)).status_code == 400
    assert (await nobody.get("/callbacks?state=%00&caller=%00%25&agent=x")).status_code == 200
    assert "后备" in (await nobody.get("/enforcement/banner")).text
    await nobody.post("/login", data={"token": await new_token("agent")})
    assert (await nobody.get("/enforcement")).status_code == 403
    assert (await nobody.get("/callbacks/export")).status_code == 403
    assert "后备" in (await nobody.get("/enforcement/banner")).text
    await nobody.post("/login", data={"token": await new_token("qa")})
    assert "data-dial" not in (await nobody.get("/callbacks", params={"state": "all"})).text
