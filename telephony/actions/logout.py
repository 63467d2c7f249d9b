from telephony.actions.reach import Reach
from telephony.agents.reasons import OFF_DUTY
from telephony.ami.connection import AmiConnection


async def logout(asterisk: AmiConnection, reach: Reach, *, extension: str) -> None:
    """Off duty: no queue rings the phone, and the overflow only when nobody else is on duty."""
    seat = reach.seat(extension)
    await asterisk.action("DBPut", Family="duty", Key=seat, Val="off")
    await asterisk.action("QueuePause", Interface=f"PJSIP/{seat}", Paused="true", Reason=OFF_DUTY)
