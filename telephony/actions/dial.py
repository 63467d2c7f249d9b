import time

from telephony.actions.errors import ActionInvalid
from telephony.actions.reach import Reach
from telephony.ami.connection import AmiConnection
from telephony.calls.outward import CHANNEL_PREFIX

RING_MS = 30_000


async def dial(asterisk: AmiConnection, reach: Reach, *, extension: str, number: str) -> dict[str, str]:
    """Ring the agent, then `number` as it is given; recorded from the agent's answer on.

    A number that is busy, or not to be had, is heard as a tone, then the call ends. Returns `dial_ref`: the recording's
    name in `recordings/outward/` begins with it, and what comes of the call is told under it
    (`telephony.calls.outward`). Raises ActionInvalid for a number that cannot be reached, and when the agent's phone is
    not there.
    """
    dialled = reach.number(number)
    phone = f"PJSIP/{reach.seat(extension)}"
    state = (await asterisk.action("Getvar", Variable=f"DEVICE_STATE({phone})")).response.get("Value")
    if state in {"UNAVAILABLE", "INVALID"}:
        raise ActionInvalid(f"话机 {extension} 未登录。 The phone {extension} is not there: switch it on first.")
    dial_ref = f"{time.time():.6f}"
    await asterisk.action(
        "Originate",
        Channel=phone,
        ChannelId=f"{CHANNEL_PREFIX}{dial_ref}",
        Context="outward",
        Exten=dialled,
        Priority=1,
        CallerID=reach.own_number,
        Timeout=RING_MS,
        Variable=f"DIAL_REF={dial_ref}",
        Async="true",
    )
    return {"dial_ref": dial_ref}
