from telephony.actions.reach import Reach
from telephony.actions.talk import put_on_hold, take_back, talk_of
from telephony.ami.connection import AmiConnection


async def attended_transfer(asterisk: AmiConnection, reach: Reach, *, extension: str, to: str | None = None) -> None:
    """Ask the colleague `to` while the citizen holds; without `to`, hand the citizen to the colleague who was asked.

    `unhold` instead goes back to the citizen. Raises NoSuchTalk when there is nobody to ask for, or to hand over to.
    """
    talk = await talk_of(asterisk, reach.seat(extension))
    if to is None:
        await take_back(asterisk, talk, talk.other())
    else:
        await put_on_hold(asterisk, talk, "agents", reach.seat(to))
