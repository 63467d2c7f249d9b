import time

from telephony.actions.errors import ActionInvalid
from telephony.actions.reach import Reach
from telephony.ami.connection import AmiConnection
from telephony.asterisk.configure import LONGEST_OVERFLOW_SECONDS

FAMILY = "overflow"


async def overflow(asterisk: AmiConnection, reach: Reach, *, queue: str, to: str, seconds: int) -> dict[str, str]:
    """Lead the next callers of a queue to another desk's queue, or to another site, for so many seconds (1 to 600).

    Written into AstDB, where the dialplan reads it with nobody's help; without being renewed it ends by itself.
    Returns the note. Raises ActionInvalid.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 < seconds <= LONGEST_OVERFLOW_SECONDS:
        raise ActionInvalid(f"{seconds!r} is no time for an overflow: 1 to {LONGEST_OVERFLOW_SECONDS} seconds.")
    note = f"{reach.elsewhere(to, queue)}@{int(time.time()) + seconds}"
    await asterisk.action("DBPut", Family=FAMILY, Key=reach.queue(queue), Val=note)
    return {"note": note}
