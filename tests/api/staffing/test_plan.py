"""From expected calls to people on shifts."""

import shutil
from datetime import date, datetime, time, timedelta
from itertools import product
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.kit.settings import ROOT
from api.staffing.days import day_of
from api.staffing.forecast import assumed
from api.staffing.plan import Actual, Period, add, beside, hours, quarters, shifts
from api.staffing.policy import Shift, StaffingPolicyError, load_policy
from api.staffing.shifts import Slot, Uncovered, cover
from api.staffing.workload import Measured, Workload, workload

POLICY = load_policy(ROOT / "config")
CHINA = ZoneInfo("Asia/Shanghai")
MONDAY = date(2026, 11, 23)
WORK = Workload((240.0,) * 24, 120.0, 3.0, ())
NOTHING = Measured([0] * 24, [0.0] * 24, 0.0, 0, 0, 0.0, 0, 0.0)


def _planned(days: int = 1, calls: float = 14_000) -> list[Period]:
    expected = [
        assumed(day_of(MONDAY + timedelta(days=number)), calls, POLICY.assumed.hour_shares) for number in range(days)
    ]
    return quarters(expected, None, WORK, POLICY, 5.0, CHINA)


def test_every_quarter_meets_the_targets_and_the_citys_peak_takes_about_a_hundred_agents() -> None:
    planned = _planned()
    assert len(planned) == 96
    for each in planned:
        assert each.expected.service_level >= POLICY.targets.service_level
        assert each.expected.abandoned <= POLICY.targets.abandoned
        assert each.expected.occupancy <= POLICY.targets.occupancy
        assert each.rostered >= each.agents / (1 - POLICY.shrinkage)
    peak = hours(planned, None)[10]
    assert peak.calls == pytest.approx(1400)
    assert 95 <= peak.agents <= 115
    assert peak.expected.asa_seconds > WORK.ring_seconds, "the ring is part of the wait"
    assert peak.starts_at == datetime(2026, 11, 23, 10, tzinfo=CHINA)


def test_a_night_without_calls_is_still_answered() -> None:
    assert {each.agents for each in _planned(calls=1)} == {POLICY.least_agents}


def test_what_came_stands_beside_the_quarters_that_are_over() -> None:
    planned = _planned()
    first = int(planned[0].starts_at.timestamp()) // 900
    came = {first: Actual(20, 18, 16, 1, 1, 12.5), first + 1: Actual(10, 10, 10, 0, 0, 11.5)}
    seen = beside(planned, came, planned[0].starts_at + timedelta(minutes=50))
    assert [each.actual is not None for each in seen[:5]] == [True, True, True, False, False]
    hour = hours(seen, None)[0].actual
    assert hour == Actual(30, 28, 26, 1, 1, 12.0)
    assert hour.service_level == pytest.approx(26 / 29)
    assert seen[2].actual == Actual()
    assert add([]) is None


def test_shifts_put_enough_people_into_every_quarter() -> None:
    planned = _planned(3, calls=3000)
    present = [0] * len(planned)
    for each in shifts(MONDAY, planned, POLICY.shift):
        begins = int((datetime.combine(each.date, each.start, CHINA) - planned[0].starts_at).total_seconds()) // 900
        for quarter in range(max(0, begins), min(len(planned), begins + round(each.hours * 4))):
            present[quarter] += each.people
    assert all(there >= each.rostered for there, each in zip(present, planned, strict=True))
    assert shifts(MONDAY, planned, ()) == []


def test_an_hour_that_no_shift_covers_is_told() -> None:
    with pytest.raises(Uncovered, match="covers the quarter-hour 36"):
        shifts(MONDAY, _planned(), [Shift(name="夜班", start=time(21, 0), hours=12)])


slots = st.builds(lambda begins, length: Slot(begins, begins + length), st.integers(-2, 5), st.integers(1, 4))


@given(st.lists(st.integers(0, 2), min_size=1, max_size=6), st.lists(slots, min_size=1, max_size=4))
@settings(max_examples=150)
def test_no_cover_has_fewer_people(needed: list[int], offered: list[Slot]) -> None:
    def covers(people: tuple[int, ...]) -> bool:
        return all(
            sum(number for slot, number in zip(offered, people, strict=True) if slot.begins <= quarter < slot.ends)
            >= wanted
            for quarter, wanted in enumerate(needed)
        )

    every = [people for people in product(range(3), repeat=len(offered)) if covers(people)]
    if not every:
        with pytest.raises(Uncovered):
            cover(needed, offered)
        return
    found = cover(needed, offered)
    assert covers(tuple(found))
    assert sum(found) == min(sum(people) for people in every)


def test_what_was_measured_is_used_hour_by_hour() -> None:
    measured = Measured([1000] * 24, [150_000.0] * 12 + [250_000.0] * 12, 60_000.0, 500, 24_000, 720_000.0, 900, 3600.0)
    work = workload(measured, POLICY.assumed)
    assert work.assumed == ()
    assert work.handling_seconds[0] == pytest.approx(150 + 30, abs=4)
    assert work.handling_seconds[23] == pytest.approx(250 + 30, abs=4)
    assert (work.patience_seconds, work.ring_seconds) == (120, 4)


def test_what_was_not_measured_is_assumed_and_told() -> None:
    work = workload(NOTHING, POLICY.assumed)
    assert {each.what: each.value for each in work.assumed} == {
        "talk_seconds": 200,
        "wrap_up_seconds": 40,
        "patience_seconds": 120,
        "ring_seconds": 3,
    }
    assert work.handling_seconds == (240.0,) * 24


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("service_level = 0.80", "targets.service_level"),
        ('start = "07:30"', "shift.0.start"),
        ("hours = 8.5", "shift.1.hours"),
        ('start = "23:00"', "no shift covers 00:00"),
        ("  0.8, 0.5,", "assumed.hour_shares"),
    ],
)
def test_a_policy_that_cannot_be_used_says_which_line(tmp_path: Path, wrong: str, said: str) -> None:
    shutil.copy(ROOT / "config" / "staffing.toml", tmp_path)
    file = tmp_path / "staffing.toml"
    worse = {
        "service_level = 0.80": "service_level = 80",
        'start = "07:30"': 'start = "07:35"',
        'start = "23:00"': 'start = "15:00"',
    }
    text = file.read_text(encoding="utf-8")
    assert wrong in text
    file.write_text(text.replace(wrong, worse.get(wrong, wrong.replace("8.5", "8.1").replace("0.8, 0.5,", "")), 1))
    with pytest.raises(StaffingPolicyError, match=said):
        load_policy(tmp_path)
