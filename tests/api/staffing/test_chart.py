"""Where the lines of the drawing run."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from api.kit.settings import ROOT
from api.staffing.chart import HEIGHT, LEFT, TOP, WIDTH, draw
from api.staffing.days import day_of
from api.staffing.forecast import assumed
from api.staffing.plan import Actual, Period, quarters
from api.staffing.policy import load_policy
from api.staffing.service import Plan, Question
from api.staffing.workload import Workload

MONDAY = date(2026, 11, 23)
MIDNIGHT = datetime(2026, 11, 23, tzinfo=ZoneInfo("Asia/Shanghai"))
POLICY = load_policy(ROOT / "config")
WORK = Workload((240.0,) * 24, 120.0, 3.0, ())


def _plan(actual: dict[int, Actual], now: datetime = MIDNIGHT) -> Plan:
    day = assumed(day_of(MONDAY), 14_000, POLICY.assumed.hour_shares)
    planned = quarters([day], None, WORK, POLICY, 5.0, ZoneInfo("Asia/Shanghai"))
    seen: tuple[Period, ...] = tuple(replace(each, actual=actual.get(index)) for index, each in enumerate(planned))
    question = Question("hotline", MONDAY, MONDAY, now)
    return Plan(question, POLICY, WORK, (day,), seen, (), (), {}, (), None)


def test_a_line_is_broken_where_nobody_was_known_and_red_where_too_few_were_there() -> None:
    drawn = draw(_plan({40: Actual(300, agents_on_duty=500.0), 41: Actual(300, agents_on_duty=1.0), 50: Actual(9)}))
    assert drawn.on_duty.count("M") == 1
    assert drawn.short.count("Z") == 1
    gap = draw(_plan({40: Actual(agents_on_duty=3.0), 42: Actual(agents_on_duty=3.0)}))
    assert gap.on_duty.count("M") == 2


def test_without_past_errors_there_is_no_band_and_without_a_past_nothing_came() -> None:
    drawn = draw(_plan({}))
    assert (drawn.band, drawn.came, drawn.on_duty, drawn.short) == ("", "", "", "")
    assert drawn.forecast.startswith(f"M{LEFT + WIDTH / 192:.1f} ")
    assert all(TOP <= tick.y <= TOP + HEIGHT for tick in (*drawn.calls_ticks, *drawn.agents_ticks))
    assert [tick.label for tick in drawn.calls_ticks] == [0, 100, 200, 300]


def test_now_stands_where_the_day_is() -> None:
    noon = draw(_plan({}, MIDNIGHT + timedelta(hours=12)))
    assert noon.now_x == LEFT + WIDTH / 2
    assert draw(_plan({}, MIDNIGHT + timedelta(days=2))).now_x is None
