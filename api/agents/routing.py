"""The rules of routing by advice, from config/routing.toml."""

import tomllib
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from telephony.routing.holds import HoldRules
from telephony.routing.notes import NoteRules

_Priority = Annotated[int, Field(ge=0, le=99)]
_Positive = Annotated[float, Field(gt=0)]


class RoutingError(RuntimeError):
    """config/routing.toml cannot be used; the message says which line of it."""

    error_id = "routing.invalid"


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Sticky(_Table):
    open_ticket_hours: _Positive
    cut_off_minutes: _Positive


class _PriorityRules(_Table):
    abandoned_hours: _Positive
    abandoned: _Priority
    vulnerable: _Priority
    vulnerable_callers: list[Annotated[str, Field(pattern=r"^\d{1,15}$")]]


class _Missed(_Table):
    pause_seconds: Annotated[list[_Positive], Field(min_length=1)]
    tell_after: Annotated[int, Field(ge=1)]


class _WrapUp(_Table):
    guard_seconds: Annotated[int, Field(ge=0, le=60)]
    limit_seconds: _Positive
    extension_seconds: _Positive
    most_extensions: Annotated[int, Field(ge=0)]


class _File(_Table):
    sticky: _Sticky
    priority: _PriorityRules
    missed: _Missed
    wrap_up: _WrapUp
    breaks: dict[Annotated[str, Field(pattern=r"^[a-z-]{1,40}$")], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Routing:
    """What config/routing.toml says; `breaks` maps a pause's reason to its Chinese and English."""

    notes: NoteRules
    holds: HoldRules
    guard_seconds: int
    breaks: dict[str, tuple[str, str]]


def load_routing(config_dir: Path) -> Routing:
    """Return the rules of routing by advice; raises RoutingError for what is wrong in the file."""
    path = config_dir / "routing.toml"
    try:
        file = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise RoutingError(f"{path} cannot be used: {error}") from error
    notes = NoteRules(
        open_ticket=timedelta(hours=file.sticky.open_ticket_hours),
        cut_off=timedelta(minutes=file.sticky.cut_off_minutes),
        abandoned_priority=file.priority.abandoned,
        abandoned_for=timedelta(hours=file.priority.abandoned_hours),
        vulnerable_priority=file.priority.vulnerable,
        vulnerable=frozenset(file.priority.vulnerable_callers),
    )
    holds = HoldRules(
        wrap_up_limit=timedelta(seconds=file.wrap_up.limit_seconds),
        extension=timedelta(seconds=file.wrap_up.extension_seconds),
        most_extensions=file.wrap_up.most_extensions,
        missed_pauses=tuple(timedelta(seconds=each) for each in file.missed.pause_seconds),
        tell_after=file.missed.tell_after,
    )
    return Routing(notes, holds, file.wrap_up.guard_seconds, file.breaks)
