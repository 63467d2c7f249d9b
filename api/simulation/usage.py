"""What processes cost, from the kernel's own counts (proc(5))."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat behind the command's name: the parent, and the ticks in user and system mode.
_PARENT, _TIMES = 1, slice(11, 13)


@dataclass(slots=True)
class Usage:
    """CPU seconds and memory of one part of the system over its life, also when its process was replaced."""

    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    _seen: dict[int, float] = field(default_factory=dict)

    def note(self, pids: Iterable[int]) -> None:
        """Look at the part's processes now."""
        memory = 0
        for pid in pids:
            cpu, held = _cpu_seconds(pid), _memory_bytes(pid)
            if cpu is None:
                continue
            self.cpu_seconds += max(0.0, cpu - self._seen.get(pid, 0.0))
            self._seen[pid] = cpu
            memory += held
        self.peak_bytes = max(self.peak_bytes, memory)

    def forget_what_was(self) -> None:
        """Count from here: what starting cost is not what running costs."""
        self.cpu_seconds = 0.0


def family(pid: int) -> list[int]:
    """Give a process and its children."""
    others = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid, *(other for other in others if (fields := _stat(other)) and fields[_PARENT] == str(pid))]


def _stat(pid: int) -> list[str] | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None


def _cpu_seconds(pid: int) -> float | None:
    fields = _stat(pid)
    return None if fields is None else sum(int(ticks) for ticks in fields[_TIMES]) / _TICKS


def _memory_bytes(pid: int) -> int:
    """Give the process's proportional share: what PostgreSQL's processes share is counted once."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return 0
    return 0
