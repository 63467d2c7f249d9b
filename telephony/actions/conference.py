from telephony.actions.bring_in import bring_in
from telephony.actions.errors import NoSuchTalk
from telephony.actions.reach import Reach
from telephony.actions.talk import talk_of
from telephony.ami.connection import AmiConnection


async def conference(asterisk: AmiConnection, reach: Reach, *, extension: str, number: str) -> None:
    """Ring a unit and let it into an agent's call when it answers, beside whoever is in it already.

    A recording of its own hears all. Raises NoSuchTalk when nobody is in the call with the agent.
    """
    reach.number(number)
    talk = await talk_of(asterisk, reach.seat(extension))
    if not talk.others:
        raise NoSuchTalk(
            f"座席 {extension} 未与任何人通话。 Nobody is in the call of {extension}: there is nothing to join."
        )
    await bring_in(asterisk, talk, number, shown=reach.own_number)
