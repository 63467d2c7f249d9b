# ruff: noqa: T201 - it prints a table
"""A city's day of 14,000 calls, its busiest hour times 1.9, through router, PostgreSQL and the board.

Nothing is left out: every call of the 24 hours is played, with every event of it. So that it takes minutes, the busiest
hour runs at a little above the goal and quieter hours so much faster that each second brings the calls of the busiest
hour (the night, with its few calls, at most NIGHT_SPEED). `make soak` has the day at one steady speed.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from api.cli.simulate import next_midnight, plan_of
from api.simulation.report import percentile
from api.simulation.run import simulate
from telephony.simulation.demand import BUSIEST_HOUR, CITY_CALLS_A_DAY, STORM
from telephony.simulation.pace import even

GOAL = 60
BUSIEST_SPEED = 90.0
NIGHT_SPEED = 3_000.0
# Short of the 177 erlangs of the busiest hour: callers queue, give up, overflow, and most are answered, which is twice
# the events of giving up.
AGENTS = 165
# What is stored later than this after its last event has fallen behind.
LAG_SECONDS = 5.0
SEED = 12345


def main() -> int:
    """Print what the day showed; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=CITY_CALLS_A_DAY, help="calls a day")
    parser.add_argument("--speed", type=float, default=BUSIEST_SPEED, help="of the busiest hour")
    arguments = parser.parse_args()
    plan = plan_of(arguments.calls, STORM, AGENTS, SEED, next_midnight("Asia/Shanghai"), whole_day=True)
    arrivals = [round(call.offered_at.timestamp() * 1_000_000) for call in plan.calls]
    pace = even(plan.begins_at, arrivals, arguments.speed, NIGHT_SPEED)
    with tempfile.TemporaryDirectory(prefix="zhitong-bench-") as scratch:
        Path(scratch).chmod(0o755)
        report = asyncio.run(simulate(Path(scratch) / "data", plan, pace, print))
    for line in report.lines():
        print(f"  {line}")
    lag = percentile(report.lags, 99)
    kept = lag <= LAG_SECONDS and report.behind_seconds <= LAG_SECONDS
    slowest = min(leg.speed for leg in pace.legs) if kept else report.ratio
    print(
        f"  speeds: {slowest:.0f} × in hour {BUSIEST_HOUR}, up to {max(leg.speed for leg in pace.legs):.0f} × at night"
    )
    wrong = len(report.verdict.lost) + len(report.verdict.invented) + len(report.verdict.differing)
    goals = [
        (f"busiest hour ×{STORM}: {slowest:.0f} × real time, lag p99 {lag:.1f} s", f"{GOAL}", kept and slowest >= GOAL),
        (f"whole day: {report.ratio:.0f} × real time", f"{GOAL}", report.ratio >= GOAL),
        (f"calls lost, doubled or different: {wrong} of {report.verdict.planned}", "0", wrong == 0),
    ]
    for shown, goal, met in goals:
        print(f"  {shown}, goal {goal} {'met' if met else 'MISSED'}")
    return 0 if all(met for _, _, met in goals) else 1


if __name__ == "__main__":
    sys.exit(main())
