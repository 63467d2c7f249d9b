from telephony.actions.reach import Reach
from telephony.actions.spy import spy
from telephony.ami.connection import AmiConnection


async def whisper(asterisk: AmiConnection, reach: Reach, *, supervisor: str, extension: str) -> None:
    """Let a supervisor speak to the agent alone, unheard by the citizen."""
    await spy(asterisk, reach, supervisor, extension, "w")
