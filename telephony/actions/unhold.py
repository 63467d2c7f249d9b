from telephony.actions.reach import Reach
from telephony.actions.talk import take_back, talk_of
from telephony.ami.connection import AmiConnection


async def unhold(asterisk: AmiConnection, reach: Reach, *, extension: str) -> None:
    """Bring the agent and the citizen on hold together again. Raises NoSuchTalk when nobody is on hold."""
    talk = await talk_of(asterisk, reach.seat(extension))
    await take_back(asterisk, talk, talk.channel)
