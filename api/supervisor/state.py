import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class PartState:
    """What is known of one supervised process; kept as `run/<name>.json`.

    `started_ticks` is the kernel's start time of the process: a pid alone may by now belong to somebody else.
    """

    name: str
    pid: int
    started_ticks: int
    since: str
    restarts: int

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return start_ticks(self.pid) == self.started_ticks

    @property
    def up_seconds(self) -> float:
        """Seconds since it was started."""
        return (datetime.now(UTC) - datetime.fromisoformat(self.since)).total_seconds()


def start_ticks(pid: int) -> int | None:
    """Kernel start time of `pid` in clock ticks since boot (proc(5), field 22 of stat), or None when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    state, *rest = stat.rpartition(")")[2].split()
    return None if state == "Z" else int(rest[18])


def observe(name: str, pid: int, restarts: int) -> PartState:
    """Return the state of a process that was started just now."""
    return PartState(name, pid, start_ticks(pid) or 0, datetime.now(UTC).isoformat(), restarts)


def write_state(run_dir: Path, state: PartState) -> None:
    """Write `run/<name>.json`, whole or not at all."""
    run_dir.mkdir(parents=True, exist_ok=True)
    new = run_dir / f".{state.name}.json.new"
    new.write_text(json.dumps(asdict(state)), encoding="utf-8")
    os.replace(new, run_dir / f"{state.name}.json")  # noqa: PTH105 - atomic by definition


def read_states(run_dir: Path) -> dict[str, PartState]:
    """Read what `up` last wrote about each part; a torn file counts as absent."""
    states = {}
    for path in sorted(run_dir.glob("*.json")):
        try:
            state = PartState(**json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError, OSError):
            continue
        states[state.name] = state
    return states
