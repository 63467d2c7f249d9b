from telephony.actions.errors import ActionInvalid
from telephony.actions.reach import Reach, penalty
from telephony.ami.connection import AmiConnection


async def raise_priority(asterisk: AmiConnection, reach: Reach, *, call_ref: str, value: int) -> dict[str, str]:
    """Move a waiting caller before those of lower priority, at once; returns the queue.

    Raises ActionInvalid when the caller waits nowhere.
    """
    wanted = penalty(value)
    for name in reach.queues:
        for entry in (await asterisk.action("QueueStatus", Queue=name)).events:
            if entry.name == "QueueEntry" and entry.get("Uniqueid") == call_ref:
                await asterisk.action(
                    "QueueChangePriorityCaller",
                    Queue=name,
                    Caller=entry.get("Channel"),
                    Priority=wanted,
                    Immediate="yes",
                )
                return {"queue": name}
    raise ActionInvalid(f"来电 {call_ref!r} 不在排队。 The call {call_ref!r} waits in no queue.")
