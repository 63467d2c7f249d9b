"""Plays a plan: steps are told and written when simulated time has come to them."""

import asyncio
import contextlib
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from telephony.calls.facts import Microseconds
from telephony.records.cel import CEL_FILE
from telephony.simulation.pace import Pace
from telephony.simulation.peer import Peer
from telephony.simulation.plan import Plan
from telephony.simulation.render import Renderer, Rights

QUEUE_LOG = Path("queue_log")
_TICK_SECONDS = 0.01


@dataclass(slots=True)
class Playing:
    """How far a plan is played: for those who look on."""

    simulated: Microseconds = 0
    told: int = 0
    # When each call's last step was told, by the monotonic clock: what is stored later lags.
    ended: dict[str, float] = field(default_factory=dict)
    behind_seconds: float = 0.0


async def play(plan: Plan, pace: Pace, peer: Peer, log_dir: Path, playing: Playing) -> None:
    """Tell the plan's steps through `peer`, write Asterisk's own records of them below `log_dir`; ends with the plan.

    What is told is written first, as Asterisk does. `playing.behind_seconds` is how late the latest step was: this
    machine, or the router's reading, was too slow for the pace.
    """
    (log_dir / CEL_FILE).parent.mkdir(parents=True, exist_ok=True)
    recorder = Renderer(Rights(frozenset({"all"})))
    due = deque(plan.cues)
    started = time.monotonic()
    with contextlib.ExitStack() as files:
        cel = files.enter_context((log_dir / CEL_FILE).open("a", encoding="utf-8"))
        queue_log = files.enter_context((log_dir / QUEUE_LOG).open("a", encoding="utf-8"))
        while due:
            wall = time.monotonic() - started
            playing.simulated = pace.simulated(wall)
            batch = []
            while due and due[0].at <= playing.simulated:
                batch.append(due.popleft())
            for cue in batch:
                row, line = recorder.records(cue)
                cel.write(row)
                queue_log.write(line)
            cel.flush()
            queue_log.flush()
            await peer.tell(batch)
            now = time.monotonic()
            playing.ended |= {cue.names["ref"]: now for cue in batch if cue.step == "ended"}
            playing.told += len(batch)
            playing.behind_seconds = max(playing.behind_seconds, now - started - wall)
            await asyncio.sleep(_TICK_SECONDS)
