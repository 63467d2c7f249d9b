from telephony.actions.reach import Reach
from telephony.actions.talk import talk_of
from telephony.ami.connection import AmiConnection

RING_MS = 30_000


async def conference(asterisk: AmiConnection, reach: Reach, *, extension: str, number: str) -> None:
    """Ring a unit and let it into the call of agent and citizen when it answers; the recording hears all three.

    Raises NoSuchTalk unless exactly two are in the call.
    """
    device = reach.device(number)
    talk = await talk_of(asterisk, reach.seat(extension))
    talk.other()
    await asterisk.action(
        "Originate",
        Channel=device,
        Application="BridgeAdd",
        Data=talk.channel,
        CallerID=reach.own_number,
        Timeout=RING_MS,
        Async="true",
    )
