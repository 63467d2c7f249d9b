import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from api.supervisor.part import Part
from api.supervisor.state import PartState, observe, read_states, write_state

FIRST_PAUSE_SECONDS = 0.3
LONGEST_PAUSE_SECONDS = 5.0
# A part that lived this long was healthy: its next failure starts the back-off afresh.
HEALTHY_SECONDS = 10.0
POLL_SECONDS = 0.1


class PartFailedError(RuntimeError):
    """A part did not become ready; the message carries the end of its log."""

    error_id = "up.part_failed"


class Supervisor:
    """Runs parts in order, restarts those that die, stops them in reverse order.

    Each part logs to `<log_dir>/<name>.log`; `<run_dir>/<name>.json` says which process it is.
    """

    def __init__(self, parts: Sequence[Part], log_dir: Path, run_dir: Path, say: Callable[[str], None]) -> None:
        self._parts = parts
        self._log_dir = log_dir
        self._run_dir = run_dir
        self._say = say
        self._states: dict[str, PartState] = {}
        self._watchers: list[asyncio.Task[None]] = []
        self._children: dict[str, asyncio.subprocess.Process] = {}

    async def start(self) -> None:
        """Start every part, each once the one before it is ready.

        Raises PartFailedError, after stopping what it started, when one does not become ready in time.
        """
        self._log_dir.mkdir(parents=True, exist_ok=True)
        earlier = read_states(self._run_dir)
        try:
            for part in self._parts:
                await self._start_part(part, earlier.get(part.name))
        except BaseException:
            await self.stop()
            raise

    async def _start_part(self, part: Part, earlier: PartState | None) -> None:
        if earlier and earlier.alive:
            if part.outlives:
                self._states[part.name] = earlier
                self._say(f"{part.name}: still running since {earlier.since}, taken over (pid {earlier.pid})")
            else:
                await self._end(part, earlier)
        if part.name not in self._states:
            await self._spawn(part, restarts=0)
        begun = time.monotonic()
        while not await part.ready():
            if not self._states[part.name].alive:
                raise PartFailedError(f"{part.name} ended before it was ready. The end of its log:\n{self.tail(part)}")
            if time.monotonic() - begun > part.ready_within_seconds:
                raise PartFailedError(
                    f"{part.name} was not ready within {part.ready_within_seconds:.0f} s. "
                    f"The end of its log:\n{self.tail(part)}"
                )
            await asyncio.sleep(POLL_SECONDS)
        self._say(f"{part.name}: ready after {time.monotonic() - begun:.1f} s (pid {self._states[part.name].pid})")
        self._watchers.append(asyncio.create_task(self._watch(part), name=f"watch {part.name}"))

    async def _spawn(self, part: Part, restarts: int) -> None:
        argv = part.argv if part.outlives else ("setpriv", "--pdeathsig", "TERM", "--", *part.argv)
        with (self._log_dir / f"{part.name}.log").open("ab") as log:
            child = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **part.env},
                cwd=part.cwd,
                start_new_session=True,
            )
        self._children[part.name] = child
        state = observe(part.name, child.pid, restarts)
        self._states[part.name] = state
        write_state(self._run_dir, state)

    async def _watch(self, part: Part) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            await self._gone(part.name)
            state = self._states[part.name]
            pause = FIRST_PAUSE_SECONDS if state.up_seconds > HEALTHY_SECONDS else pause
            self._say(f"{part.name}: ended, started again in {pause:.1f} s")
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            await self._spawn(part, state.restarts + 1)

    async def _gone(self, name: str) -> None:
        child = self._children.get(name)
        if child is not None:
            await child.wait()
            return
        while self._states[name].alive:
            await asyncio.sleep(POLL_SECONDS)

    async def stop(self) -> None:
        """Stop watching, then stop every part, last one first."""
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        self._watchers.clear()
        for part in reversed(self._parts):
            state = self._states.pop(part.name, None)
            if state is not None:
                await self._end(part, state)
                (self._run_dir / f"{part.name}.json").unlink(missing_ok=True)
        for child in self._children.values():
            await child.wait()
        self._children.clear()

    async def _end(self, part: Part, state: PartState) -> None:
        for sign, patience in ((part.stop_signal, part.stop_within_seconds), (signal.SIGKILL, 5.0)):
            if not state.alive:
                return
            with contextlib.suppress(ProcessLookupError):
                os.kill(state.pid, sign)
            until = time.monotonic() + patience
            while state.alive and time.monotonic() < until:
                await asyncio.sleep(POLL_SECONDS / 2)

    def tail(self, part: Part, lines: int = 15) -> str:
        """Return the last lines of a part's log, for an error message."""
        try:
            text = (self._log_dir / f"{part.name}.log").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return "(no log)"
        return "\n".join(text.splitlines()[-lines:])
