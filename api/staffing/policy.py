"""config/staffing.toml: targets, assumptions, shifts."""

import tomllib
from datetime import time
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from api.queues.sums import WAIT_STEPS
from api.staffing.forecast import QUARTERS

_QUARTER_MINUTES = 15


class StaffingPolicyError(RuntimeError):
    """config/staffing.toml cannot be used; the message says which line of it."""

    error_id = "staffing.policy_invalid"


def _on_a_quarter(start: time) -> time:
    if start.minute % _QUARTER_MINUTES or start.second or start.microsecond:
        raise ValueError("a shift begins on a quarter of an hour, like 07:30")
    return start


def _of_a_day(shares: tuple[float, ...]) -> tuple[float, ...]:
    if sum(shares) <= 0:
        raise ValueError("at least one hour needs a share above 0")
    return shares


def _counted(seconds: int) -> int:
    if seconds not in WAIT_STEPS:
        raise ValueError(f"answers are counted within {', '.join(map(str, WAIT_STEPS))} seconds: choose one of these")
    return seconds


Share = Annotated[float, Field(gt=0, lt=1)]
NotNegative = Annotated[float, Field(ge=0)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TargetPolicy(_Section):
    """What callers and agents are to meet."""

    service_level: Share
    within_seconds: Annotated[int, AfterValidator(_counted)]
    abandoned: Share
    occupancy: float = Field(gt=0, le=1)


class Assumptions(_Section):
    """What is taken for granted where the stored calls do not tell."""

    calls_per_day: float = Field(gt=0, le=1_000_000)
    hour_shares: Annotated[tuple[NotNegative, ...], Field(min_length=24, max_length=24), AfterValidator(_of_a_day)]
    talk_seconds: float = Field(ge=5, le=7200)
    wrap_up_seconds: float = Field(ge=0, le=3600)
    patience_seconds: float = Field(ge=1, le=86_400)
    ring_seconds: float = Field(ge=0, le=60)


class Shift(_Section):
    """A shift that may begin on any day, in the city's time."""

    name: str = Field(min_length=1, max_length=20)
    start: Annotated[time, AfterValidator(_on_a_quarter)]
    hours: float = Field(ge=1, le=24, multiple_of=0.25)


def _around_the_clock(shifts: tuple[Shift, ...]) -> tuple[Shift, ...]:
    covered = {
        (shift.start.hour * 4 + shift.start.minute // _QUARTER_MINUTES + number) % QUARTERS
        for shift in shifts
        for number in range(round(shift.hours * 4))
    }
    lacking = sorted(set(range(QUARTERS)) - covered) if shifts else []
    if lacking:
        hour, quarter = divmod(lacking[0], 4)
        raise ValueError(
            f"no shift covers {hour:02d}:{quarter * _QUARTER_MINUTES:02d}: the hotline answers at any hour"
        )
    return shifts


class StaffingPolicy(_Section):
    """The whole file."""

    interval: float = Field(ge=0.5, le=0.99)
    least_agents: int = Field(ge=1, le=1000)
    shrinkage: float = Field(ge=0, le=0.9)
    targets: TargetPolicy
    assumed: Assumptions
    shift: Annotated[tuple[Shift, ...], AfterValidator(_around_the_clock)] = ()


def load_policy(config_dir: Path) -> StaffingPolicy:
    """Read config/staffing.toml. Raises StaffingPolicyError."""
    path = config_dir / "staffing.toml"
    try:
        return StaffingPolicy.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise StaffingPolicyError(f"{path} cannot be used: {error}") from error
