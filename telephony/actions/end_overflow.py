from telephony.actions.forget import delete
from telephony.actions.overflow import FAMILY
from telephony.actions.reach import Reach
from telephony.ami.connection import AmiConnection


async def end_overflow(asterisk: AmiConnection, reach: Reach, *, queue: str) -> None:
    """Let a queue's next callers stay there; where nothing led them away, nothing happens. Raises ActionInvalid."""
    await delete(asterisk, FAMILY, reach.queue(queue))
