"""What kind of day it is: holidays, adjusted workdays, years that nobody has published."""

from datetime import date, timedelta

from api.staffing.days import day_of


def _kinds(first: date, days: int) -> str:
    letters = {"workday": "w", "weekend": "-", "holiday": "H", "adjusted_workday": "A"}
    return "".join(letters[day_of(first + timedelta(days=number)).kind] for number in range(days))


def test_national_day_is_a_week_of_holidays_and_a_saturday_is_worked_for_it() -> None:
    assert _kinds(date(2026, 9, 28), 14) == "wwwHHHHHHHwwA-"
    golden = day_of(date(2026, 10, 3))
    assert (golden.kind, golden.name, golden.works) == ("holiday", ("国庆节", "National Day"), False)
    saturday = day_of(date(2026, 10, 10))
    assert (saturday.kind, saturday.name, saturday.works) == ("adjusted_workday", ("国庆节", "National Day"), True)


def test_a_sunday_before_the_spring_festival_is_worked() -> None:
    assert day_of(date(2025, 1, 26)).kind == "adjusted_workday"
    assert day_of(date(2025, 1, 27)).kind == "workday"
    assert day_of(date(2025, 1, 28)).name == ("春节", "Spring Festival")


def test_a_year_that_is_not_published_goes_by_weekdays_and_says_so() -> None:
    new_year, sunday = day_of(date(2099, 1, 1)), day_of(date(2099, 10, 4))
    assert (new_year.kind, new_year.name, new_year.provisional) == ("workday", None, True)
    assert (sunday.kind, sunday.provisional) == ("weekend", True)
    assert not day_of(date(2026, 1, 1)).provisional
