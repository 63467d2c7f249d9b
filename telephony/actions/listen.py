from telephony.actions.reach import Reach
from telephony.actions.spy import spy
from telephony.ami.connection import AmiConnection


async def listen(asterisk: AmiConnection, reach: Reach, *, supervisor: str, extension: str) -> None:
    """Let a supervisor hear both, unheard."""
    await spy(asterisk, reach, supervisor, extension, "")
