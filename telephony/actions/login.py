from telephony.actions.reach import Reach
from telephony.ami.connection import AmiConnection


async def login(asterisk: AmiConnection, reach: Reach, *, extension: str) -> None:
    """On duty: the phone is offered calls at every desk of its seat again."""
    seat = reach.seat(extension)
    await asterisk.action("DBPut", Family="duty", Key=seat, Val="on")
    await asterisk.action("QueuePause", Interface=f"PJSIP/{seat}", Paused="false")
