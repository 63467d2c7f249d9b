"""Time: UTC in storage, the city's days on the pages."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def now() -> datetime:
    """Return the present, zone-aware, in UTC."""
    return datetime.now(UTC)


def local_date(moment: datetime, timezone: str) -> date:
    """Return the city's date at `moment`."""
    return moment.astimezone(ZoneInfo(timezone)).date()


def day_bounds(moment: datetime, timezone: str) -> tuple[datetime, datetime]:
    """Return start and end (UTC, half open) of the city's day that holds `moment`."""
    return date_bounds(local_date(moment, timezone), timezone)


def date_bounds(day: date, timezone: str) -> tuple[datetime, datetime]:
    """Return start and end (UTC, half open) of a calendar day in the city."""
    zone = ZoneInfo(timezone)
    start = datetime.combine(day, time.min, zone)
    end = datetime.combine(day + timedelta(days=1), time.min, zone)
    return start.astimezone(UTC), end.astimezone(UTC)
