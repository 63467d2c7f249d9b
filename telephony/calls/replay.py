"""A recorded AMI stream → its calls, through the reducer that the router uses."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from telephony.ami.protocol import AmiMessage, Framer, Malformed, parse
from telephony.calls.derive import Rules
from telephony.calls.model import Call
from telephony.calls.reducer import Reducer
from telephony.errors import TelephonyError

_READ_BYTES = 1024 * 1024
_GZIP = b"\x1f\x8b"
_GZIP_WINDOW = 31  # zlib: 15 bits of window, plus 16 for a gzip header


class CaptureUnreadable(TelephonyError):
    """The capture cannot be read at all."""

    error_id = "capture-unreadable"


@dataclass(frozen=True, slots=True)
class Replay:
    """The calls of a capture in the order offered, and what was wrong with the capture."""

    calls: tuple[Call, ...]
    warnings: tuple[str, ...]
    messages: int


def replay(path: Path, rules: Rules | None = None) -> list[Call]:
    """Give the calls of a capture; see `replay_fully` for what was wrong with it."""
    return list(replay_fully(path, rules).calls)


def replay_fully(path: Path, rules: Rules | None = None) -> Replay:
    """Read a capture as Asterisk sent it (also gzipped, also with LF line ends) and reduce it to calls.

    Torn, glued or garbled messages are told in `warnings` and passed over. Raises `CaptureUnreadable` when the
    file cannot be read or holds no AMI message at all.
    """
    reducer = Reducer(rules)
    calls: dict[str, Call] = {}
    warnings: list[str] = []
    begun: set[str] = set()
    count = 0
    for found in read_capture(path):
        if isinstance(found, Malformed):
            warnings.append(f"{found.reason}: {found.excerpt}")
            continue
        count += 1
        if found.name == "Newchannel":
            begun.add(found.get("Uniqueid"))
        calls |= {call.call_ref: call for call in reducer.apply(found)}
    if not count:
        raise CaptureUnreadable(f"{path} holds no AMI message: is it a capture of Asterisk's manager port?")
    warnings += [
        f"call {call_ref} began before the capture: what came before is estimated from its Uniqueid"
        for call_ref in sorted(calls.keys() - begun)
    ]
    ordered = sorted(calls.values(), key=lambda call: (call.offered_at, call.call_ref))
    return Replay(tuple(ordered), tuple(warnings), count)


def read_capture(path: Path) -> Iterator[AmiMessage | Malformed]:
    """Yield what a capture holds, message by message; raises `CaptureUnreadable` when the file cannot be read."""
    framer = Framer()
    for data in _with_crlf(_read(path)):
        if isinstance(data, Malformed):
            yield data
            continue
        for block in framer.feed(data):
            yield from [block] if isinstance(block, Malformed) else parse(block)
    if rest := framer.rest():
        yield rest


def _with_crlf(chunks: Iterator[bytes | Malformed]) -> Iterator[bytes | Malformed]:
    """Give LF-only captures (edited, or saved by a tool that strips CR) their CRs back."""
    bare: bool | None = None
    for chunk in chunks:
        if isinstance(chunk, Malformed):
            yield chunk
            continue
        if bare is None:
            bare = b"\r\n" not in chunk
        yield chunk.replace(b"\n", b"\r\n") if bare else chunk


def _read(path: Path) -> Iterator[bytes | Malformed]:
    try:
        with path.open("rb") as file:
            data = file.read(_READ_BYTES)
            if data.startswith(_GZIP):
                yield from _unzipped(data, file)
                return
            while data:
                yield data
                data = file.read(_READ_BYTES)
    except OSError as error:
        raise CaptureUnreadable(f"{path} cannot be read: {error.strerror or error}") from error


def _unzipped(data: bytes, file: BinaryIO) -> Iterator[bytes | Malformed]:
    """Unzip as far as it goes: gzip's own reader gives nothing of a block that is cut."""
    unzip = None
    damage = ""
    try:
        while data:
            unzip = unzip or zlib.decompressobj(wbits=_GZIP_WINDOW)
            yield unzip.decompress(data)
            data = unzip.unused_data or file.read(_READ_BYTES)
            if unzip.eof:
                unzip = None
        damage = "it ends too early" if unzip else ""
    except zlib.error as error:
        damage = str(error)
    if damage:
        yield Malformed("the compressed capture is damaged, what came before is used", damage)
