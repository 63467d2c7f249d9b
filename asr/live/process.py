"""One live decoding process, seen by the worker that owns it."""

import asyncio
import json
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import IO, Any

from asr.live.mark import read_mark
from asr.model import SpeechModel

LOAD_SECONDS = 120.0
SILENT_SECONDS = 30.0
"""A process says four times a second how far it is; one that says nothing for so long hangs and is ended."""

_LONGEST_LINE = 1 << 22


class LiveProcess:
    """A child with its model. Its pipes are used from one event loop."""

    def __init__(self, child: asyncio.subprocess.Process, log: IO[bytes], mark: IO[bytes]) -> None:
        self._child, self._log, self._mark = child, log, mark
        self._hangs = False

    @classmethod
    async def start(cls, model: SpeechModel) -> "LiveProcess":
        """Start a process that loads the model. Raises OSError where the machine has no room for one."""
        log, mark = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - closed by end()
        command = [sys.executable, "-m", "asr.live.child", str(model.path), str(model.sample_rate), str(mark.fileno())]
        try:
            child = await asyncio.create_subprocess_exec(
                *command, stdin=PIPE, stdout=PIPE, stderr=log, pass_fds=(mark.fileno(),), limit=_LONGEST_LINE
            )
        except BaseException:
            log.close()
            mark.close()
            raise
        return cls(child, log, mark)

    @property
    def pid(self) -> int:
        """The process at work."""
        return self._child.pid

    def send(self, command: Mapping[str, Any]) -> None:
        """Give a command; one that no longer reaches the process is given again to the next."""
        if self._child.stdin is not None:
            self._child.stdin.write(json.dumps(command).encode() + b"\n")

    async def messages(self) -> AsyncIterator[dict[str, Any]]:
        """Give what the process says until it ends, or hangs."""
        seconds = LOAD_SECONDS
        while self._child.stdout is not None:
            try:
                async with asyncio.timeout(seconds):
                    line = await self._child.stdout.readline()
            except TimeoutError:
                self._hangs = True
                return
            if not line.endswith(b"\n"):
                return
            yield json.loads(line)
            seconds = SILENT_SECONDS

    def working_on(self) -> int:
        """Give the number of the recording that was decoded last, 0 between rounds."""
        return read_mark(self._mark.fileno())

    def stop(self) -> None:
        """Let the process end by itself."""
        if self._child.stdin is not None:
            self._child.stdin.close()

    async def end(self) -> str:
        """End the process if it still runs, give its resources back, and say how it ended.

        Cancelled meanwhile, it kills the process and gives all back before it ends.
        """
        try:
            if self._child.returncode is None:
                self.stop()
                if self._hangs or not await self._ends_soon():
                    self._child.kill()
        except asyncio.CancelledError:
            with suppress(ProcessLookupError):
                self._child.kill()
            await self._give_back()
            raise
        code, last = await self._give_back()
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with code {code}"
        how = f"hanging for {SILENT_SECONDS:.0f} s" if self._hangs else how
        return f"the decoding process ended {how}{f'. It said: {last}' if last else ''}"

    async def _give_back(self) -> tuple[int, str]:
        """Wait for the end, close all that belongs to it, and return its code and its last words."""
        if self._child.stdout is not None:
            await self._child.stdout.read()
        code = await self._child.wait()
        self.stop()
        self._log.seek(0)
        last = self._log.read()[-500:].decode("utf-8", "replace").strip()
        self._log.close()
        self._mark.close()
        return code, last

    async def _ends_soon(self) -> bool:
        try:
            async with asyncio.timeout(2.0):
                await self._child.wait()
        except TimeoutError:
            return False
        return True
