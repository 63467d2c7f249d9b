from dataclasses import dataclass
from datetime import datetime, timedelta

from telephony.calls.model import Call

# Families in AstDB that config/asterisk/extensions.conf.j2 reads, each by the caller's digits.
FAMILIES = ("sticky", "prio", "desk")
_LONGEST_NUMBER = 15


@dataclass(frozen=True, slots=True)
class Note:
    """What is written down in AstDB of a caller; `until` in Unix seconds, None holds until it is taken back."""

    family: str
    caller: str
    value: str
    until: int | None = None

    @property
    def text(self) -> str:
        """The value as the dialplan reads it."""
        return self.value if self.until is None else f"{self.value}@{self.until}"


@dataclass(frozen=True, slots=True)
class Gone:
    """What was written down of a caller holds no more."""

    family: str
    caller: str


@dataclass(frozen=True, slots=True)
class NoteRules:
    """config/routing.toml, [sticky] and [priority]."""

    open_ticket: timedelta
    cut_off: timedelta
    abandoned_priority: int
    abandoned_for: timedelta
    vulnerable_priority: int
    vulnerable: frozenset[str]


def caller_key(number: str | None) -> str | None:
    """Return a caller's digits as the dialplan filters them; None when there are none to know the caller by."""
    digits = "".join(each for each in number or "" if each in "0123456789")
    return digits if 0 < len(digits) <= _LONGEST_NUMBER else None


def after_call(call: Call, rules: NoteRules, *, now: datetime) -> tuple[Note | Gone, ...]:
    """Say what changes in what is written down of a caller whose call has ended.

    A call that nobody answered takes nothing away: the agent who knows still does, and who waited in vain before this
    is still served sooner.
    """
    caller = caller_key(call.caller)
    if caller is None or call.ended_at is None:
        return ()
    changes: list[Note | Gone] = []
    if call.segments:
        changes.append(sticky(call, rules, settled=False, now=now) or Gone("sticky", caller))
    if call.outcome in {"answered", "abandoned"}:
        changes.append(priority(call, rules, now=now) or Gone("prio", caller))
    return tuple(changes)


def after_settling(call: Call, rules: NoteRules, *, now: datetime) -> tuple[Note | Gone, ...]:
    """Say what changes when the draft of a call is settled: its agent is no longer needed, unless it was cut off."""
    caller = caller_key(call.caller)
    if caller is None or call.ended_at is None:
        return ()
    return (sticky(call, rules, settled=True, now=now) or Gone("sticky", caller),)


def sticky(call: Call, rules: NoteRules, *, settled: bool, now: datetime) -> Note | None:
    """Say which agent knows the matter of this caller: who served the call last; whoever was called in did not.

    While the draft is not settled, for `open_ticket` from the call's end; after that, only a call that was cut off
    (neither side hung up) counts, for `cut_off`. None: there is nobody to ask for, or no more.
    """
    caller = caller_key(call.caller)
    served = [segment.agent for segment in call.segments if segment.began != "conference"]
    if caller is None or call.ended_at is None or not served:
        return None
    if not served[-1].isdecimal():
        return None  # answered at another site, which no phone of ours is
    cut_off = call.hung_up_by == "system"
    lasting = max(timedelta() if settled else rules.open_ticket, rules.cut_off if cut_off else timedelta())
    until = call.ended_at + lasting
    return Note("sticky", caller, served[-1], int(until.timestamp())) if until > now else None


def priority(call: Call, rules: NoteRules, *, now: datetime) -> Note | None:
    """Say with which priority this caller waits the next time; None is none.

    Whoever abandoned the call is served before others for `abandoned_for`; a flagged number always is, with whichever
    priority is higher.
    """
    caller = caller_key(call.caller)
    if caller is None or call.ended_at is None:
        return None
    lasting = vulnerable(caller, rules)
    until = call.ended_at + rules.abandoned_for
    if call.outcome != "abandoned" or until <= now or (lasting and int(lasting.value) >= rules.abandoned_priority):
        return lasting
    return Note("prio", caller, str(rules.abandoned_priority), int(until.timestamp()))


def vulnerable(caller: str, rules: NoteRules) -> Note | None:
    """Say with which priority a flagged number always waits."""
    return Note("prio", caller, str(rules.vulnerable_priority)) if caller in rules.vulnerable else None
