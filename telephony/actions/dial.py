import time

from telephony.actions.reach import Reach
from telephony.ami.connection import AmiConnection

RING_MS = 30_000


async def dial(asterisk: AmiConnection, reach: Reach, *, extension: str, number: str) -> dict[str, str]:
    """Ring the agent, then `number` as it is given; recorded from the agent's answer on.

    A number that is busy, or not to be had, is heard as a tone, then the call ends. Returns `dial_ref`: the recording's
    name in `recordings/outward/` begins with it. Raises ActionInvalid for a number that cannot be reached.
    """
    dial_ref = f"{time.time():.6f}"
    await asterisk.action(
        "Originate",
        Channel=f"PJSIP/{reach.seat(extension)}",
        Context="outward",
        Exten=reach.number(number),
        Priority=1,
        CallerID=reach.own_number,
        Timeout=RING_MS,
        Variable=f"DIAL_REF={dial_ref}",
        Async="true",
    )
    return {"dial_ref": dial_ref}
