from telephony.actions.reach import Reach, penalty
from telephony.ami.connection import AmiConnection


async def set_penalty(
    asterisk: AmiConnection, reach: Reach, *, extension: str, value: int, queue: str | None = None
) -> None:
    """Ask an agent sooner (lower) or later; in one queue, or in every one of the seat."""
    fields: dict[str, str | int] = {"Interface": f"PJSIP/{reach.seat(extension)}", "Penalty": penalty(value)}
    if queue is not None:
        fields["Queue"] = reach.queue(queue)
    await asterisk.action("QueuePenalty", timeout_seconds=None, **fields)
