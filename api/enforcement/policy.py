"""What was promised, from when to when, and the ladder of what is done: config/service_levels.toml as data."""

import math
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, ConfigDict, Field, StringConstraints, model_validator
from pydantic.dataclasses import dataclass as checked

from api.enforcement.metrics import KINDS, Kind, Metric, Window
from api.kit import clock

Act = Literal["warn_wall", "tell_supervisor", "call_reserve", "end_breaks", "raise_priority", "overflow"]
_STRICT = ConfigDict(extra="forbid", strict=False)
_Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,59}$")]
_Text = Annotated[str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True)]
_Seconds = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]
_Extension = Annotated[str, StringConstraints(pattern=r"^\d{2,8}$")]
# What each act needs to be told, and what it may be told; every other act must not be told it.
_NEEDS: dict[Act, frozenset[str]] = {
    "call_reserve": frozenset({"members", "penalty"}),
    "end_breaks": frozenset({"reasons"}),
    "overflow": frozenset({"to"}),
}
_MAY: dict[Act, frozenset[str]] = {"end_breaks": frozenset({"notice_seconds"})}
_ONLY_SOME = ("members", "penalty", "reasons", "notice_seconds", "to")


@checked(frozen=True, config=_STRICT, kw_only=True)
class Rung:
    """One step of a ladder: at which figure it begins and ends, for how long it must hold, and what is done."""

    act: Act
    zh: _Text
    en: _Text
    begins_at: Annotated[float, Field(allow_inf_nan=False)]
    ends_at: Annotated[float, Field(allow_inf_nan=False)]
    hold_seconds: _Seconds
    cool_down_seconds: _Seconds
    members: tuple[_Extension, ...] = ()
    penalty: Annotated[int, Field(ge=0, le=100)] | None = None
    reasons: tuple[_Text, ...] = ()
    notice_seconds: _Seconds | None = None
    # A desk's queue, or a site of desks.toml.
    to: _Name | None = None

    @model_validator(mode="after")
    def _told_what_it_needs(self) -> Self:
        needs = _NEEDS.get(self.act, frozenset())
        for name in _ONLY_SOME:
            told = getattr(self, name) not in (None, ())
            if name in needs and not told:
                raise ValueError(f"{self.act} needs {name}")
            if told and name not in needs | _MAY.get(self.act, frozenset()):
                raise ValueError(f"{self.act} has no {name}")
        return self


@checked(frozen=True, config=_STRICT, kw_only=True)
class Target:
    """A figure that is watched, and its ladder, the gentlest rung first."""

    name: _Name
    zh: _Text
    en: _Text
    metric: Metric
    window: Window
    rung: Annotated[tuple[Rung, ...], Field(min_length=1, max_length=9)]
    seconds: Annotated[float, Field(gt=0, le=3600)] | None = None
    at_least: Annotated[int, Field(ge=0)] = 0

    @property
    def kind(self) -> Kind:
        """What its metric is like."""
        return KINDS[self.metric]

    def worse(self, figure: float, limit: float) -> bool:
        """Say whether `figure` is as bad as `limit`, or worse."""
        return figure >= limit if self.kind.more_is_worse else figure <= limit

    def better(self, figure: float, limit: float) -> bool:
        """Say whether `figure` is as good as `limit`, or better."""
        return figure <= limit if self.kind.more_is_worse else figure >= limit

    @model_validator(mode="after")
    def _fits_its_metric(self) -> Self:
        if self.kind.now != (self.window == "now"):
            right = '"now"' if self.kind.now else '"15min", "today" or "24h"'
            raise ValueError(f"{self.metric} is measured in the window {right}")
        if self.kind.limited != (self.seconds is not None):
            raise ValueError(f"{self.metric} needs seconds" if self.kind.limited else f"{self.metric} has no seconds")
        if self.kind.now and self.at_least:
            raise ValueError(f"{self.metric} has no at_least: it is no share of calls")
        for before, rung in zip((None, *self.rung), self.rung, strict=False):
            self._check(rung, before)
        return self

    def _check(self, rung: Rung, before: Rung | None) -> None:
        place = f"rung {self.rung.index(rung) + 1} ({rung.act})"
        if self.kind.unit == "share" and not (0 <= rung.begins_at <= 1 and 0 <= rung.ends_at <= 1):
            raise ValueError(f"{place}: a share lies between 0 and 1")
        if self.kind.unit != "share" and min(rung.begins_at, rung.ends_at) < 0:
            raise ValueError(f"{place}: {self.metric} is never below 0")
        if self.worse(rung.ends_at, rung.begins_at):
            side = "below" if self.kind.more_is_worse else "above"
            raise ValueError(f"{place}: ends_at {rung.ends_at:g} must lie {side} begins_at {rung.begins_at:g}")
        if before is not None and not self.worse(rung.begins_at, before.begins_at):
            raise ValueError(f"{place} begins at {rung.begins_at:g}, before the gentler one ({before.begins_at:g})")


@checked(frozen=True, config=_STRICT, kw_only=True)
class CallbackRule:
    """How callers who gave up are called back."""

    due_minutes: Annotated[float, Field(gt=0, le=10_080)]
    tries: Annotated[int, Field(ge=1, le=20)]
    spacing_minutes: Annotated[float, Field(ge=0, le=10_080)]
    short_abandons: bool = False
    nuisance: tuple[Annotated[str, StringConstraints(pattern=r"^\+?\d{3,20}$")], ...] = ()

    @property
    def due(self) -> timedelta:
        """How long after the abandon the callback is due."""
        return timedelta(minutes=self.due_minutes)

    @property
    def spacing(self) -> timedelta:
        """How long to wait after a try that did not reach the caller."""
        return timedelta(minutes=self.spacing_minutes)


@checked(frozen=True, config=_STRICT, kw_only=True)
class Policy:
    """The promises of one desk from `first_day` until the day before `until`."""

    name: _Name
    zh: _Text
    en: _Text
    desk: _Name
    first_day: Annotated[date, Field(validation_alias=AliasChoices("from"), serialization_alias="from")]
    until: date | None = None
    callback: CallbackRule | None = None
    target: tuple[Target, ...] = ()

    def in_force(self, day: date) -> bool:
        """Say whether it holds on a day of the city."""
        return self.first_day <= day and (self.until is None or day < self.until)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.until is not None and self.until <= self.first_day:
            raise ValueError(f"until {self.until} must lie after from {self.first_day}")
        names = [target.name for target in self.target]
        doubled = {name for name in names if names.count(name) > 1}
        if doubled:
            raise ValueError(f"two targets are called {min(doubled)}")
        led_to = sorted({rung.to for target in self.target for rung in target.rung if rung.to is not None})
        if self.desk in led_to:
            raise ValueError(f"{self.desk} cannot overflow to itself")
        if len(led_to) > 1:
            raise ValueError(f"{self.desk} overflows to one place at a time, not to {' and '.join(led_to)}")
        return self


@dataclass(frozen=True, slots=True)
class FrozenPolicy:
    """A policy with the hash (SHA-256, hexadecimal) of exactly what it said."""

    policy: Policy
    sha256: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ServiceLevels:
    """All policies of the file."""

    policies: tuple[FrozenPolicy, ...] = ()

    def in_force(self, now: datetime, timezone: str) -> tuple[FrozenPolicy, ...]:
        """Return the policies that hold at a moment, one a desk."""
        day = clock.local_date(now, timezone)
        return tuple(each for each in self.policies if each.policy.in_force(day))

    def of_desk(self, desk: str | None, moment: datetime, timezone: str) -> FrozenPolicy | None:
        """Return the policy that held for a desk at a moment."""
        return next((each for each in self.in_force(moment, timezone) if each.policy.desk == desk), None)


def ends(policy: Policy) -> float:
    """Return the last day of a policy as an ordinal, to compare; infinite where it has none."""
    return math.inf if policy.until is None else policy.until.toordinal()
