"""The child processes of a process, as the kernel lists them."""

import os
from pathlib import Path


def decoding(of: int | None = None, module: str = "asr.decoder") -> list[int]:
    """Return the pids of the decoding processes that belong to the process `of`, this one where none is given."""
    parent = of or os.getpid()
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            status = (folder / "stat").read_text()
            command = (folder / "cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(status.rpartition(")")[2].split()[1]) == parent and module.encode() in command:
            found.append(int(folder.name))
    return found
