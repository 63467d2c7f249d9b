from telephony.actions.bring_in import bring_in
from telephony.actions.reach import Reach
from telephony.actions.spy import another
from telephony.actions.talk import talk_of
from telephony.ami.connection import AmiConnection


async def join(asterisk: AmiConnection, reach: Reach, *, supervisor: str, extension: str) -> None:
    """Let a supervisor speak to both, as a third party: what a supervisor says belongs into the recording.

    Raises ActionInvalid, NoSuchTalk.
    """
    another(supervisor, extension)
    talk = await talk_of(asterisk, reach.seat(extension))
    await bring_in(asterisk, talk, reach.seat(supervisor), shown=extension)
