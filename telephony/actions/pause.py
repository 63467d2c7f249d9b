from telephony.actions.reach import Reach, words
from telephony.ami.connection import AmiConnection


async def pause(asterisk: AmiConnection, reach: Reach, *, extension: str, reason: str) -> None:
    """No queue rings the phone until the pause ends; `reason` is shown and counted."""
    await asterisk.action("QueuePause", Interface=f"PJSIP/{reach.seat(extension)}", Paused="true", Reason=words(reason))
