from telephony.actions.bring_in import bring_in
from telephony.actions.reach import Reach
from telephony.actions.talk import talk_of
from telephony.ami.connection import AmiConnection


async def conference(asterisk: AmiConnection, reach: Reach, *, extension: str, number: str) -> None:
    """Ring a unit and let it into the call of agent and citizen when it answers; a recording of its own hears all.

    Raises NoSuchTalk unless exactly two are in the call.
    """
    reach.number(number)
    talk = await talk_of(asterisk, reach.seat(extension))
    talk.other()
    await bring_in(asterisk, talk, number, shown=reach.own_number)
