"""Simulated calls through the real router, PostgreSQL and API: what is stored is what was planned."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from api.cli.simulate import next_midnight, plan_of
from api.simulation.report import percentile
from api.simulation.run import simulate
from api.simulation.stage import SimulationError, settle
from telephony.simulation.demand import CITY_CALLS_A_DAY, STORM
from telephony.simulation.pace import steady

CALLS = 60


def zhitong(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "api.cli", "simulate", *arguments]
    # Whatever database the environment names is a city's own, and is left alone.
    environment = {**os.environ, "ZHITONG_DATA": str(data), "DATABASE_URL": "postgresql://nowhere/city"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


async def test_calls_are_stored_as_planned_though_the_router_is_killed_in_the_middle(tmp_path: Path) -> None:
    plan = plan_of(CALLS, STORM, agents=40, seed=7, midnight=next_midnight("Asia/Shanghai"), whole_day=False)
    said: list[str] = []
    pace = steady(plan.begins_at, 300)
    report = await simulate(tmp_path / "data", plan, pace, said.append, kill_router_at=0.5)
    assert report.verdict.faultless, report.verdict
    assert report.verdict.equal == CALLS
    assert report.logins == 2
    assert any("router: ended" in line for line in said)
    assert len(report.lags) == CALLS
    assert report.board_seconds
    assert report.board_failures == 0
    assert all(report.cpu_seconds[part] > 0 for part in ("router", "postgres", "api", "peer"))
    assert f"{CALLS} 一致 equal, 0 丢失 lost" in "\n".join(report.lines())


def test_a_directory_with_anything_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    with pytest.raises(SimulationError, match="not empty"):
        settle(tmp_path, ["8001"])
    done = zhitong(tmp_path, "--calls", "5", "--speed", "100")
    assert done.returncode == 1
    assert "simulation.refused" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_percentile_is_a_value_that_was_seen() -> None:
    values = [float(value) for value in range(1, 101)]
    assert (percentile(values, 50), percentile(values, 99), percentile(values, 100)) == (50, 99, 100)
    assert percentile([], 50) == 0


@pytest.mark.soak
def test_the_command_prints_what_was_measured_and_whether_all_is_equal(tmp_path: Path) -> None:
    done = zhitong(tmp_path / "data", "--calls", "600", "--speed", "200", "--agents", "160", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["faultless"]
    assert (report["verdict"]["planned"], report["verdict"]["equal"]) == (600, 600)
    assert report["verdict"]["worst_seconds"] == 0.0
    assert report["lags"]["count"] == 600
    assert report["ratio"] > 100


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kill_router_at", [None, 0.4], ids=["undisturbed", "router killed in the busiest hour"])
async def test_a_citys_day_at_sixty_times_real_time(tmp_path: Path, kill_router_at: float | None) -> None:
    midnight = next_midnight("Asia/Shanghai")
    plan = plan_of(CITY_CALLS_A_DAY, STORM, agents=180, seed=1, midnight=midnight, whole_day=True)
    report = await simulate(tmp_path / "data", plan, steady(plan.begins_at, 60), print, kill_router_at=kill_router_at)
    assert report.verdict.faultless, report.verdict
    assert report.ratio > 59
    assert report.logins == (1 if kill_router_at is None else 2)
    assert percentile(report.lags, 99) < 5.0
