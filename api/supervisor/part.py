import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Part:
    """One process to keep alive.

    `ready` answers whether it does its work; `up` waits for that before it starts the next part.
    A part that `outlives` the supervisor keeps running when the supervisor is killed and is taken over by the next
    one: callers must not be cut off because a Python process died.
    """

    name: str
    argv: tuple[str, ...]
    ready: Callable[[], Awaitable[bool]]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    outlives: bool = False
    ready_within_seconds: float = 30.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_within_seconds: float = 10.0
