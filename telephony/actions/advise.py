import re

from telephony.actions.errors import ActionInvalid
from telephony.actions.reach import Reach, penalty, telephone
from telephony.ami.connection import AmiConnection
from telephony.routing.notes import FAMILIES, Note


async def advise(
    asterisk: AmiConnection, reach: Reach, *, family: str, caller: str, value: str, until: int | None = None
) -> None:
    """Write down for the dialplan what it shall do with a caller's next calls (`telephony.routing.notes`).

    `value` is an extension (sticky), a desk's name (desk) or a priority (prio); `until` in Unix seconds, None holds
    until it is taken back.
    """
    known_family(family)
    match family:
        case "sticky":
            reach.seat(value)
        case "desk":
            reach.queue(value)
        case "prio" if re.fullmatch(r"[0-9]{1,2}", value):
            penalty(int(value))
        case _:
            raise ActionInvalid(f"{value!r} is no priority: 0 to 99.")
    note = Note(family, telephone(caller), value, until)
    await asterisk.action("DBPut", Family=note.family, Key=note.caller, Val=note.text)


def known_family(family: str) -> str:
    """Return a kind of advice. Raises ActionInvalid."""
    if family not in FAMILIES:
        raise ActionInvalid(f"There is no advice {family!r}; there are {', '.join(FAMILIES)}.")
    return family
