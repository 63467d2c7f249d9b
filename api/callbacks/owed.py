"""What is owed to a caller who gave up, and what a try to call back comes to (pure)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from api.enforcement.policy import CallbackRule

State = Literal["open", "reached", "exhausted", "withdrawn", "merged", "left_out"]
# The caller's phone, or the lack of it, answered with the first five: such a try counts. The others failed on our side
# (`cancelled`: the agent hung up before it had rung for long).
Result = Literal["reached", "no_answer", "busy", "wrong_number", "unreachable", "cancelled", "agent_absent", "failed"]
_NUMBER = re.compile(r"\+?\d{3,20}")
COUNTED: frozenset[Result] = frozenset({"reached", "no_answer", "busy", "wrong_number", "unreachable"})


@dataclass(frozen=True, slots=True)
class Abandon:
    """A caller who hung up before anybody answered."""

    call_ref: str
    caller: str | None
    desk: str | None
    abandoned_at: datetime


@dataclass(frozen=True, slots=True)
class Owed:
    """What becomes of an abandon: a task of its own, part of another one, or nothing, with the reason."""

    state: State
    reason: str | None
    merged_into: int | None
    due_at: datetime


def owed(abandon: Abandon, rule: CallbackRule, open_tasks: Mapping[str, int]) -> Owed:
    """Decide about one abandon; `open_tasks` are the numbers of the callbacks that callers have open.

    A number that cannot be dialled (withheld, a name, an address) and one known for nuisance are left out.
    """
    due_at = abandon.abandoned_at + rule.due
    if abandon.caller is None or not _NUMBER.fullmatch(abandon.caller):
        return Owed("left_out", "withheld", None, due_at)
    if _bare(abandon.caller) in {_bare(number) for number in rule.nuisance}:
        return Owed("left_out", "nuisance", None, due_at)
    already = open_tasks.get(abandon.caller)
    if already is not None:
        return Owed("merged", "same_caller", already, due_at)
    return Owed("open", None, None, due_at)


@dataclass(frozen=True, slots=True)
class Following:
    """What a callback becomes after a try: its state, and when the next try may begin."""

    state: State
    next_try_at: datetime


def after_try(result: Result, counted: int, tries_allowed: int, spacing_seconds: float, now: datetime) -> Following:
    """Decide after a try ended: closed only when reached, or when `counted` tries (this one too) are all there are."""
    if result == "reached":
        return Following("reached", now)
    if result not in COUNTED:
        return Following("open", now)
    state: State = "exhausted" if counted >= tries_allowed else "open"
    return Following(state, now + timedelta(seconds=spacing_seconds))


def _bare(number: str) -> str:
    return number.removeprefix("+86").removeprefix("+")
