"""What Asterisk told and the database does not know yet: kept in memory for a moment, on disk while it is away."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from api.kit import logs
from telephony.ami.protocol import AmiMessage, Malformed, encode_message
from telephony.calls.replay import CaptureUnreadable, read_capture

log = logs.get(__name__)
# A city's day of 14,000 calls is about this much of what calls need.
MAX_BYTES = 256 * 1024 * 1024
# A database that neither answers nor fails: after so many messages they go to disk as well.
MAX_IN_MEMORY = 1000
# Stands at the end of a spool that was full: what came after is only in Asterisk's own records.
FULL = "SpoolFull"


class Spool:
    """Messages in the order they came, in files that `zhitong replay` reads.

    `begin`, then `stored` or `failed`, frame each attempt to store: what came before `begin` is dropped when it
    succeeds. A router that died leaves its files; the next one reads them with `left` and, once it has made its calls
    complete, has them removed after its next store by `settle`. Nothing here raises: a disk that refuses is told in
    the log, and Asterisk's own records remain.
    """

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._memory: list[AmiMessage] = []
        self._storing: list[AmiMessage] = []
        self._away = False
        self._full = False
        self._file: Path | None = None
        self._files: list[Path] = []
        self._going: list[Path] = []
        self._left: list[Path] = []

    @property
    def size_bytes(self) -> int:
        """How much lies on disk."""
        return sum(path.stat().st_size for path in [*self._left, *self._going, *self._files] if path.exists())

    def add(self, message: AmiMessage) -> None:
        """Remember one message."""
        if self._away:
            self._write([message])
            return
        self._memory.append(message)
        if len(self._memory) + len(self._storing) >= MAX_IN_MEMORY:
            self.failed()

    def begin(self) -> None:
        """Mark what has come so far: it is about to be stored."""
        self._storing += self._memory
        self._memory = []
        self._going += self._files
        self._files, self._file = [], None

    def stored(self) -> None:
        """Drop what came before `begin`: it is in the database."""
        self._storing = []
        for path in self._going:
            path.unlink(missing_ok=True)
        self._going = []
        self._away = self._full = False

    def failed(self) -> None:
        """Write to disk from now on, until something is stored: the database is away."""
        self._away = True
        waiting = [*self._storing, *self._memory]
        self._storing, self._memory = [], []
        self._write(waiting)

    def left(self) -> Iterator[AmiMessage]:
        """Yield what routers before this one left, in order; a message that was being written is passed over."""
        self._left = sorted(self._folder.glob("*.ami"))
        for path in self._left:
            try:
                for found in read_capture(path):
                    if isinstance(found, Malformed):
                        log.warning("spool_torn", file=path.name, reason=found.reason)
                    elif found.name == FULL:
                        log.warning("spool_was_full", file=path.name)
                    else:
                        yield found
            except CaptureUnreadable as error:
                log.error("spool_unreadable", reason=str(error))  # noqa: TRY400 - the message says it all

    def settle(self) -> None:
        """Let the files that `left` gave go with the next store: what they tell is in calls that wait for it."""
        self._files = [*self._left, *self._files]
        self._left = []

    def _write(self, messages: Iterable[AmiMessage]) -> None:
        data = b"".join(encode_message(message) for message in messages)
        if not data or self._full:
            return
        try:
            if self.size_bytes + len(data) > self._max_bytes:
                self._full = True
                data = encode_message(AmiMessage("event", FULL, {"Event": FULL, "MaxBytes": str(self._max_bytes)}))
                log.error("spool_full", folder=str(self._folder), max_bytes=self._max_bytes)
            path = self._file or self._new_file()
            with path.open("ab") as file:
                file.write(data)
        except OSError as error:
            self._full = True
            log.error("spool_refused", folder=str(self._folder), reason=str(error))  # noqa: TRY400 - as above

    def _new_file(self) -> Path:
        """Make the next file. Numbers, not times: the clock may be stepped between two files."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        number = max((int(path.stem) for path in self._folder.glob("[0-9]*.ami")), default=0)
        while True:
            number += 1
            path = self._folder / f"{number:08}.ami"
            try:
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            except FileExistsError:
                continue
            self._file = path
            self._files.append(path)
            return path
