from telephony.actions.reach import Reach
from telephony.ami.connection import AmiConnection


async def unpause(asterisk: AmiConnection, reach: Reach, *, extension: str) -> None:
    """End a pause, whatever its reason."""
    await asterisk.action("QueuePause", Interface=f"PJSIP/{reach.seat(extension)}", Paused="false")
