# ruff: noqa: T201 - it prints a table
"""What planning a city's week costs, and how near the forecast comes to a city whose truth is known."""

import time
from collections.abc import Callable
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from api.kit.settings import ROOT
from api.staffing.backtest import backtest
from api.staffing.days import day_of
from api.staffing.erlang import Load, Targets, agents_needed
from api.staffing.forecast import learn
from api.staffing.plan import quarters
from api.staffing.policy import load_policy
from api.staffing.workload import Workload
from tests.api.staffing.cities import City

MONDAY = date(2026, 9, 14)
MOST_SECONDS = 2.0
SEEDS = 10


def seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds of the best of three runs."""
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best


def main() -> None:
    """Print the tables."""
    policy = load_policy(ROOT / "config")
    history = City().history(MONDAY)
    pattern = learn(history)
    days = [pattern.forecast(day_of(MONDAY + timedelta(days=number))) for number in range(7)]
    work = Workload((240.0,) * 24, 120.0, 3.0, ())
    learning = seconds(lambda: backtest(history, 0.8))
    staffing = seconds(lambda: quarters(days, None, work, policy, 5.0, ZoneInfo("Asia/Shanghai")))
    whole = learning + staffing
    verdict = "met" if whole <= MOST_SECONDS else "MISSED"
    print(f"a week of 14,000 calls a day, CPU s: learn and test {learning:.2f}, staff 672 quarters {staffing:.2f}")
    print(f"  a week is planned in {whole:.2f} s (goal {MOST_SECONDS:g}) {verdict}")
    print("agents for 80/15 and 5 % abandoned, CPU ms")
    for erlangs in (10, 93, 1000, 15_000):
        load = Load(erlangs / 240, 240, 120)
        targets = Targets(0.8, 15, 5, 0.05)
        spent = seconds(lambda load=load, targets=targets: agents_needed(load, targets))  # type: ignore[misc]
        print(f"  {erlangs:6} erlangs  {agents_needed(load, targets):6} agents  {spent * 1000:6.2f}")
    print(f"quarters forecast a week ahead against the truth behind chance, mean of {SEEDS} histories")
    for calls in (14_000, 1400, 200):
        city, missed = City(calls=calls), []
        for seed in range(SEEDS):
            found = learn(city.history(MONDAY, seed=seed))
            ahead = [day_of(MONDAY + timedelta(days=number)) for number in range(7)]
            truth = np.array([city.expected(day.date) for day in ahead])
            missed.append(abs(np.array([found.forecast(day).calls for day in ahead]) - truth).sum() / truth.sum())
        print(f"  {calls:6} calls a day  WAPE {np.mean(missed):.1%}")


if __name__ == "__main__":
    main()
