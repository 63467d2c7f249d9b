"""The long form of the faults: many calls while the router is killed again and again."""

import concurrent.futures
import random
import threading
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from tests.scenarios.conftest import System, ticket_of

CALLS = 60
AT_ONCE = 4


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_no_call_is_lost_or_doubled_while_the_router_dies_at_random(
    system: System, http: httpx.Client, voices: dict[str, Path]
) -> None:
    began = datetime.now(UTC).isoformat(timespec="seconds")
    dice = random.Random(12345)  # noqa: S311 - no secret
    over = threading.Event()

    def kill_routers() -> int:
        kills = 0
        while not over.wait(dice.uniform(2, 12)):
            if system.state("router").alive:
                system.kill("router")
                kills += 1
        return kills

    def place(number: int) -> dict[str, object]:
        return system.call(voices["citizen"], "--caller", f"137{number:08}")

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE + 1) as pool:
        killing = pool.submit(kill_routers)
        calls = list(pool.map(place, range(CALLS)))
        over.set()
        kills = killing.result()
    assert kills > 5
    assert [call["outcome"] for call in calls] == ["answered"] * CALLS
    assert len({call["call_ref"] for call in calls}) == CALLS
    for call in calls:
        assert ticket_of(http, str(call["call_ref"]), seconds=300)["fields"]["contact_phone"]["value"] == "13800123456"
    stored = http.get("/api/v1/calls", params={"limit": 200}).raise_for_status().json()["items"]
    soaked = [call for call in stored if call["caller"].startswith("13700000")]
    assert len(soaked) == CALLS, "each call is stored once"
    system.run("reconcile", "--from", began)
