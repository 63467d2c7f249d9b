from telephony.actions.reach import Reach
from telephony.actions.talk import put_on_hold, talk_of
from telephony.ami.connection import AmiConnection


async def hold(asterisk: AmiConnection, reach: Reach, *, extension: str) -> None:
    """Let the citizen hear music and the agent nothing; a citizen whom nobody takes back goes into the queue again."""
    await put_on_hold(asterisk, await talk_of(asterisk, reach.seat(extension)), "holding")
