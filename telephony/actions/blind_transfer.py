from telephony.actions.reach import Reach
from telephony.actions.talk import talk_of
from telephony.ami.connection import AmiConnection


async def blind_transfer(asterisk: AmiConnection, reach: Reach, *, extension: str, to: str) -> None:
    """Send the citizen on to a colleague; one who does not answer sends the citizen back into the queue."""
    talk = await talk_of(asterisk, reach.seat(extension))
    await asterisk.action("BlindTransfer", Channel=talk.channel, Context="agents", Exten=reach.seat(to))
