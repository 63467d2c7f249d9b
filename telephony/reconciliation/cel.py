"""Stored calls against CEL: the exact record, the one that repairs."""

from collections.abc import Iterator
from dataclasses import replace

from telephony.calls.model import Call
from telephony.reconciliation.difference import Difference, shown
from telephony.records.compare import differences

# Both stamps are Asterisk's own: CEL's of the moment, the manager port's of when it came to send it. 14 ms lie between
# them on a loaded machine, a second when 60 calls begin and end at once on two cores.
TOLERANCE_SECONDS = 0.5
# What a record that was cut off by Asterisk's death cannot know.
_OF_THE_END = frozenset(
    {"outcome", "ended_at", "wait_seconds", "talk_seconds", "hold_seconds", "hung_up_by", "left_at", "ended", "result"}
)


def against_cel(stored: Call, told: Call) -> Iterator[Difference]:
    """Compare one call with what CEL makes of it. What CEL does not tell of an end (a kill) contradicts nothing."""
    cut_off = told.ended_at is None and stored.ended_at is not None
    known = _as_far_as(stored, told) if cut_off else stored
    for name in differences(known, told, TOLERANCE_SECONDS):
        if cut_off and (name.rpartition(".")[2] in _OF_THE_END or _value(told, name) is None):
            continue
        yield Difference(
            stored.call_ref, name, "cel", _value(stored, name), _value(told, name), "cel", stored.offered_at
        )


def as_cel_tells(told: Call, stored: Call) -> Call:
    """Give a stored call with what CEL tells of it; what CEL leaves out stays as the manager port told it."""
    return replace(
        told,
        node=stored.node,
        dialled=told.dialled or stored.dialled,
        hold_seconds=stored.hold_seconds if told.hold_seconds is None else told.hold_seconds,
        hung_up_by=told.hung_up_by or stored.hung_up_by,
        waits=told.waits or stored.waits,
        offers=told.offers or stored.offers,
    )


def _as_far_as(stored: Call, told: Call) -> Call:
    """Give a stored call without the phones and talks that Asterisk no longer came to write of.

    The manager port tells of a phone as it begins to ring, CEL only once it is over.
    """
    return replace(
        stored,
        segments=stored.segments[: len(told.segments)],
        waits=stored.waits[: len(told.waits)],
        offers=stored.offers[: len(told.offers)],
    )


def _value(call: Call, name: str) -> str | None:
    """Give what a call says in a field as `differences` names it (`agent`, `segments`, `segments[0].agent`)."""
    group, bracket, rest = name.partition("[")
    if not bracket:
        value = getattr(call, name)
        return f"{len(value)}" if isinstance(value, tuple) else shown(value)
    index, _, field = rest.partition("].")
    return shown(getattr(getattr(call, group)[int(index)], field))
