"""Calls that the router missed, wholly or in part, made complete from what Asterisk itself wrote down."""

from collections.abc import Container, Iterable
from datetime import datetime, timedelta
from pathlib import Path

from telephony.calls.derive import Rules
from telephony.calls.facts import Source
from telephony.calls.model import Call
from telephony.calls.reducer import Reducer
from telephony.calls.resync import end_unaccounted
from telephony.records.cel import cel_messages
from telephony.records.compare import same

# The two records stamp the same moment within milliseconds: less than this is no difference (see `same`).
TOLERANCE_SECONDS = 0.05
# The manager port tells of a call's beginning a little later than it was: look for it this much before.
_BEFORE = timedelta(seconds=1)


def complete(log_dir: Path, since: datetime, known_calls: Iterable[Call], rules: Rules | None = None) -> list[Call]:
    """Give the calls offered from `since` on that Asterisk's records tell otherwise than `known_calls` does.

    `log_dir` is Asterisk's log directory. A call that is not known at all is among them; one that both tell alike
    is not. Known calls in progress are looked up from their own beginning. Raises `RecordsUnreadable`.
    """
    return recover(Reducer(rules), log_dir, since, known_calls)


def recover(
    reducer: Reducer,
    log_dir: Path,
    since: datetime,
    known_calls: Iterable[Call] = (),
    alive: Container[str] | None = None,
) -> list[Call]:
    """After a gap: tell a live reducer what it missed, and give the calls that are new to `known_calls`.

    `since` is a moment before which nothing was missed; `known_calls` what is stored (from `since` on and those in
    progress); `alive` the channels that Asterisk still has (`telephony.calls.resync.alive`), None when unknown:
    known calls that have neither an end in the records nor a channel are ended. Raises `RecordsUnreadable`.
    """
    known = {call.call_ref: call for call in known_calls}
    open_since = [call.offered_at - _BEFORE for call in known.values() if call.outcome == "in_progress"]
    start_us = round(min([since, *open_since]).timestamp() * 1_000_000)
    told: dict[str, Call] = {}
    # A call that began before what is read here is only half told, unless the reducer knew it already.
    # Of a stored call in progress, half is better than nothing: it may have ended.
    whole = {call.call_ref for call in reducer.calls()}
    whole |= {call.call_ref for call in known.values() if call.outcome == "in_progress"}
    for message in cel_messages(log_dir, start_us):
        if message.name == "Newchannel":
            whole.add(message.get("Uniqueid"))
        told |= {call.call_ref: call for call in reducer.apply(message, Source.CEL)}
    if alive is not None:
        told |= {call.call_ref: call for call in reducer.end_lost(alive)}
        unknown = [call for call in known.values() if not reducer.knows(call.call_ref)]
        unaccounted = {call.call_ref: call for call in end_unaccounted(unknown, alive)}
        told |= unaccounted
        whole |= unaccounted.keys()
    return [
        call
        for call in sorted(told.values(), key=lambda call: (call.offered_at, call.call_ref))
        if call.call_ref in whole
        and not (call.call_ref in known and same(known[call.call_ref], call, TOLERANCE_SECONDS))
    ]
