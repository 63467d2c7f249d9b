"""What kind of day a day is: the State Council's holidays and adjusted workdays (调休). Pure.

The calendar is that of the package chinese-calendar, which has the years that are published and refuses all others:
a day of such a year goes by its weekday and is marked provisional.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

import chinese_calendar

Kind = Literal["workday", "weekend", "holiday", "adjusted_workday"]
_SATURDAY = 5
_NAMES = {
    "New Year's Day": ("元旦", "New Year"),
    "Spring Festival": ("春节", "Spring Festival"),
    "Tomb-sweeping Day": ("清明节", "Tomb Sweeping"),
    "Labour Day": ("劳动节", "Labour Day"),
    "Dragon Boat Festival": ("端午节", "Dragon Boat"),
    "National Day": ("国庆节", "National Day"),
    "Mid-autumn Festival": ("中秋节", "Mid-Autumn"),
}


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the city: `name` of the holiday that it belongs to or is made up for, Chinese and English.

    `provisional`: nobody knows yet whether it is a holiday.
    """

    date: date
    kind: Kind
    name: tuple[str, str] | None = None
    provisional: bool = False

    @property
    def works(self) -> bool:
        """Say whether offices are open."""
        return self.kind in {"workday", "adjusted_workday"}


def day_of(when: date) -> Day:
    """Return what is known of a day; a weekend within a holiday is the holiday."""
    plain: Kind = "weekend" if when.weekday() >= _SATURDAY else "workday"
    try:
        off, name = chinese_calendar.get_holiday_detail(when)
    except NotImplementedError:
        return Day(when, plain, provisional=True)
    if name is None:
        return Day(when, plain)
    return Day(when, "holiday" if off else "adjusted_workday", _NAMES.get(name, (name, name)))
