from telephony.actions.errors import ActionInvalid
from telephony.actions.reach import Reach
from telephony.actions.talk import talk_of
from telephony.ami.connection import AmiConnection

RING_MS = 30_000


async def spy(asterisk: AmiConnection, reach: Reach, supervisor: str, extension: str, options: str) -> None:
    """Ring the supervisor and connect to the call of an agent by ChanSpy, until that call ends.

    `options` beside: q, no beep and no spoken name; E, end with the call. Raises ActionInvalid, NoSuchTalk.
    """
    another(supervisor, extension)
    talk = await talk_of(asterisk, reach.seat(extension))
    await asterisk.action(
        "Originate",
        Channel=f"PJSIP/{reach.seat(supervisor)}",
        Application="ChanSpy",
        Data=f"{talk.channel},qE{options}",
        CallerID=extension,
        Timeout=RING_MS,
        Async="true",
    )


def another(supervisor: str, extension: str) -> None:
    """Raise ActionInvalid for a supervisor who means the own call."""
    if supervisor == extension:
        raise ActionInvalid("班长不能监听自己。 A supervisor cannot listen to the own call.")
