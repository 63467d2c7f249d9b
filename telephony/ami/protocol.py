"""The manager protocol's bytes: framing, parsing, encoding. Pure: no socket, no clock."""

import re
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from telephony.ami.errors import UnsafeAction

Headers = Mapping[str, str | list[str]]
ActionValue = str | int | Sequence[str | int]

END_OF_MESSAGE = b"\r\n\r\n"
GREETING = "Asterisk Call Manager/"
# The longest message seen is a few kilobytes; VarSet of a large variable may reach tens.
MAX_MESSAGE_BYTES = 256 * 1024
# Asterisk's input buffer (manager.c, `inbuf`): it discards a longer line, and with it the action's meaning.
MAX_ACTION_LINE_BYTES = 1024
# How many first lines of messages, and how many orders of headers after each, are learnt; others are split by line.
MAX_SHAPES = 512
MAX_SHAPES_EACH = 6
MAX_SHAPE_CHARACTERS = 4096
_ACTION_KEY = re.compile(r"[A-Za-z0-9_-]+")
_KINDS: dict[str, Literal["event", "response"]] = {"Event": "event", "Response": "response"}
_EXCERPT_CHARACTERS = 80
# Asterisk sends these once a message; twice means that two messages were glued by a cut in the middle of a line.
_SENT_ONCE = frozenset({"Privilege", "Timestamp", "Uniqueid", "ActionID"})


# A tuple, since a frozen dataclass takes as long to make as the framing of its bytes.
class AmiMessage(NamedTuple):
    """One event or response as Asterisk sent it; a header that came several times holds a list.

    `name` is the event's name or the response's status. Keys keep Asterisk's spelling.
    """

    kind: Literal["event", "response"]
    name: str
    headers: Headers

    def get(self, key: str, default: str = "") -> str:
        """Give a header's value (the first, if it came several times), spelled exactly so, or `default`."""
        value = self.headers.get(key, default)
        return value if isinstance(value, str) else value[0]

    def all(self, key: str) -> list[str]:
        """Give every value of a header in the order sent; empty when it is absent."""
        value = self.headers.get(key)
        if value is None:
            return []
        return [value] if isinstance(value, str) else list(value)


@dataclass(frozen=True, slots=True)
class Malformed:
    """Bytes that are no message: what was wrong, and how they began."""

    reason: str
    excerpt: str


def _malformed(reason: str, lines: list[str]) -> Malformed:
    return Malformed(reason, repr("\r\n".join(lines)[:_EXCERPT_CHARACTERS]))


class Framer:
    """Cuts the byte stream into messages at empty lines (CRLF only), however the reads were split."""

    def __init__(self, max_message_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self._buffer = bytearray()
        self._max_bytes = max_message_bytes
        self._skipping = False

    def feed(self, data: bytes) -> list[bytes | Malformed]:
        """Take what was read and give every message that it completes, without its empty line.

        A message longer than the limit is reported once and skipped up to its end; memory stays bounded.
        """
        buffer = self._buffer
        searched = max(0, len(buffer) - len(END_OF_MESSAGE) + 1)
        buffer += data
        if buffer.find(END_OF_MESSAGE, searched) < 0:
            return self._bound()
        *blocks, rest = bytes(buffer).split(END_OF_MESSAGE)
        self._buffer = bytearray(rest)
        if self._skipping:
            self._skipping = False
            del blocks[0]
        found: list[bytes | Malformed] = [*blocks]
        if max(map(len, blocks), default=0) > self._max_bytes:
            found = [block if len(block) <= self._max_bytes else self._too_long(block) for block in blocks]
        return found + self._bound()

    def rest(self) -> Malformed | None:
        """Tell of the unfinished message that the end of the stream leaves behind, if any."""
        if self._skipping or not self._buffer.strip():
            return None
        return self._report(f"the stream ended inside a message, after {len(self._buffer)} bytes", self._buffer)

    def _bound(self) -> list[bytes | Malformed]:
        if len(self._buffer) <= self._max_bytes:
            return []
        reports: list[bytes | Malformed] = [] if self._skipping else [self._too_long(bytes(self._buffer))]
        self._skipping = True
        del self._buffer[: -(len(END_OF_MESSAGE) - 1)]
        return reports

    def _too_long(self, block: bytes) -> Malformed:
        return self._report(f"a message of more than {self._max_bytes} bytes", block)

    @staticmethod
    def _report(reason: str, block: bytes | bytearray) -> Malformed:
        return _malformed(reason, [block[: 4 * _EXCERPT_CHARACTERS].decode("utf-8", "replace")])


def parse(block: bytes, wanted: Container[str] | None = None) -> list[AmiMessage | Malformed]:
    """Parse one framed block; with `wanted`, events of other names are passed over unread (lists' events are not).

    Never raises. Usually gives one message; a block torn in the middle gives a `Malformed` for the torn piece
    and the messages around it. A greeting line before the message is passed over. Invalid UTF-8 becomes U+FFFD.
    """
    head = block.split(b"\r\n", 1)[0]
    if (
        wanted is not None
        and head.startswith(b"Event: ")
        and head[7:].decode("utf-8", "replace") not in wanted
        and b"\r\nActionID: " not in block
    ):
        return []
    try:
        text = block.decode()
    except UnicodeDecodeError:
        text = block.decode("utf-8", "replace")
    for kind, name, match, keys in _SHAPES.get(head, ()):
        if values := match(text):
            headers = values.groupdict() if keys is None else dict(zip(keys, values.groups(), strict=True))
            # Not AmiMessage(…): its own __new__ costs as much again.
            return [tuple.__new__(AmiMessage, (kind, name, headers))]
    return _parse_lines(head, text)


def _parse_lines(head: bytes, text: str) -> list[AmiMessage | Malformed]:
    """Split every line at its first colon, and learn the shape."""
    lines = text.split("\r\n")
    headers: dict[str, str | list[str]] = {}
    for line in lines:
        name, separator, value = line.partition(": ")
        if not separator:
            return _parse_slowly(lines)
        headers[name] = value
    kind, _, name = lines[0].partition(": ")
    if len(headers) != len(lines) or kind not in _KINDS or not name.strip():
        return _parse_slowly(lines)
    message = AmiMessage(_KINDS[kind], name, headers)
    if "\r" not in "".join(lines) and len(text) <= MAX_SHAPE_CHARACTERS:
        shapes = _SHAPES.get(head, ())
        if len(_SHAPES) < MAX_SHAPES and len(shapes) < MAX_SHAPES_EACH:
            _SHAPES[head] = (*shapes, _shape(message))
    return [message]


class _Shape(NamedTuple):
    """Asterisk sends the same event with the same headers in the same order: one match then reads all their values.

    A match says what splitting would: every line begins with its key, and no value holds a CR. `keys` is None where
    the pattern's groups bear their names.
    """

    kind: Literal["event", "response"]
    name: str
    match: Callable[[str], re.Match[str] | None]
    keys: tuple[str, ...] | None


def _shape(message: AmiMessage) -> _Shape:
    keys = tuple(message.headers)
    named = all(key.isidentifier() for key in keys)
    lines = (f"{re.escape(key)}: ({f'?P<{key}>' if named else ''}[^\r]*+)" for key in keys)
    return _Shape(message.kind, message.name, re.compile("\r\n".join(lines)).fullmatch, None if named else keys)


# By first line; bounded, whatever a peer invents.
_SHAPES: dict[bytes, tuple[_Shape, ...]] = {}


def _parse_slowly(lines: list[str]) -> list[AmiMessage | Malformed]:
    """Repeated headers, missing blanks, lines without a colon, greetings, and messages torn into one another."""
    found: list[AmiMessage | Malformed] = []
    current: list[str] = []
    for line in lines:
        greeting = line.startswith(GREETING)
        if current and (greeting or line.startswith("Event: ")):
            found.append(_malformed("a message broken off by another one", current))
            current = []
        if not greeting and (line or current):
            current.append(line)
    if current:
        found.append(_message(current))
    return found


def _message(lines: list[str]) -> AmiMessage | Malformed:
    kind, _, name = lines[0].partition(":")
    name = name.strip()
    if kind not in _KINDS or not name:
        return _malformed("neither an event nor a response", lines)
    headers: dict[str, str | list[str]] = {}
    for line in lines:
        key, colon, value = line.partition(":")
        if not colon:
            continue
        value = value.removeprefix(" ")
        before = headers.get(key)
        if before is None:
            headers[key] = value
        elif key in _SENT_ONCE:
            return _malformed("two messages run together", lines)
        elif isinstance(before, list):
            before.append(value)
        else:
            headers[key] = [before, value]
    headers[kind] = name
    return AmiMessage(_KINDS[kind], name, headers)


def encode_message(message: AmiMessage) -> bytes:
    """Encode a parsed message as Asterisk would have sent it, with its empty line: `parse` gives the same again."""
    lines = [f"{key}: {value}\r\n" for key in message.headers for value in message.all(key)]
    return "".join(lines).encode("utf-8", "replace") + b"\r\n"


def encode_action(name: str, fields: Mapping[str, ActionValue]) -> bytes:
    """Encode an action; a sequence becomes one line per element.

    Raises `UnsafeAction`, which names the key and never the value (it may be a secret), when a key or value
    holds CR, LF or NUL, when a key is not a plain word, or when a line is longer than Asterisk reads.
    """
    lines = [_action_line("Action", name)]
    for key, value in fields.items():
        if isinstance(value, str | int):
            lines.append(_action_line(key, value))
        else:
            lines.extend(_action_line(key, element) for element in value)
    return b"".join(lines) + b"\r\n"


def _action_line(key: str, value: str | int) -> bytes:
    if not _ACTION_KEY.fullmatch(key):
        raise UnsafeAction(f"the action key {key!r} is refused: letters, digits, - and _ only")
    text = str(value)
    if any(forbidden in text for forbidden in "\r\n\0"):
        raise UnsafeAction(f"the value of {key!r} is refused: it holds CR, LF or NUL, which would start another action")
    line = f"{key}: {text}\r\n".encode("utf-8", "replace")
    if len(line) > MAX_ACTION_LINE_BYTES:
        raise UnsafeAction(
            f"the value of {key!r} is refused: its line has {len(line)} bytes, Asterisk reads {MAX_ACTION_LINE_BYTES}"
        )
    return line
