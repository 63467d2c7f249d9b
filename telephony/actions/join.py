from telephony.actions.reach import Reach
from telephony.actions.spy import spy
from telephony.ami.connection import AmiConnection


async def join(asterisk: AmiConnection, reach: Reach, *, supervisor: str, extension: str) -> None:
    """Let a supervisor speak to both."""
    await spy(asterisk, reach, supervisor, extension, "B")
