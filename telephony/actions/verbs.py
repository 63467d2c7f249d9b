import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from telephony.actions.advise import advise
from telephony.actions.attended_transfer import attended_transfer
from telephony.actions.blind_transfer import blind_transfer
from telephony.actions.conference import conference
from telephony.actions.dial import dial
from telephony.actions.end_overflow import end_overflow
from telephony.actions.errors import ActionInvalid
from telephony.actions.forget import forget
from telephony.actions.hold import hold
from telephony.actions.join import join
from telephony.actions.listen import listen
from telephony.actions.login import login
from telephony.actions.logout import logout
from telephony.actions.overflow import overflow
from telephony.actions.pause import pause
from telephony.actions.raise_priority import raise_priority
from telephony.actions.set_penalty import set_penalty
from telephony.actions.unhold import unhold
from telephony.actions.unpause import unpause
from telephony.actions.whisper import whisper

Verb = Callable[..., Awaitable[dict[str, str] | None]]

VERBS: Mapping[str, Verb] = {
    verb.__name__: verb
    for verb in (
        login, logout, pause, unpause, hold, unhold, blind_transfer, attended_transfer, conference, dial,
        listen, whisper, join, set_penalty, raise_priority, advise, forget,
        overflow, end_overflow,
    )
}  # fmt: skip


def checked(verb: str, arguments: Mapping[str, Any]) -> Verb:
    """Return the verb when these are its arguments, by name; raises ActionInvalid for anything else."""
    found = VERBS.get(verb)
    if found is None:
        raise ActionInvalid(f"There is no order {verb!r}; there are {', '.join(VERBS)}.")
    try:
        inspect.signature(found).bind(None, None, **arguments)
    except TypeError as error:
        raise ActionInvalid(f"{verb}: {error}.") from error
    return found
