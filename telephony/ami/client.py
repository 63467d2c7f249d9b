"""asterisk-ami's client with its parsing and sending replaced; why: docs/decisions/0003-asterisk-ami-wrapped.md."""

import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Container, Iterator

from asterisk.ami import AMIClient
from asterisk.ami.action import Action

from telephony.ami.errors import AmiError, NotConnected
from telephony.ami.protocol import GREETING, AmiMessage, Framer, Malformed, encode_action, parse

log = logging.getLogger(__name__)

_READ_BYTES = 64 * 1024
_GREETING_BYTES = 256


class WireClient(AMIClient):  # type: ignore[misc]  # asterisk-ami carries no types
    """One connection to Asterisk's manager port, from connect to loss; never used again after it.

    Its reader thread hands every message to `on_message` and every bad piece to `on_malformed`; both must only
    enqueue. `on_disconnect` is called exactly once for a connection that was opened.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        read_timeout_seconds: float,
        on_message: Callable[[AmiMessage], None],
        on_malformed: Callable[[Malformed], None],
        on_greeting: Callable[[], None],
        on_lost: Callable[[Exception | None], None],
        wanted: Container[str] | None = None,
    ) -> None:
        super().__init__(
            address=host,
            port=port,
            timeout=read_timeout_seconds,
            on_connect=lambda source: on_greeting(),  # noqa: ARG005 - asterisk-ami calls its listeners by keyword
            on_disconnect=lambda source, error: on_lost(error),  # noqa: ARG005
            on_event=lambda source, event: on_message(event),  # noqa: ARG005
            on_response=lambda source, response: on_message(response),  # noqa: ARG005
            on_unknown=lambda source, pack: on_malformed(pack),  # noqa: ARG005
        )
        self._wanted = wanted
        self._write_lock = threading.Lock()
        self._open_lock = threading.Lock()
        self._closed = False

    def connect(self) -> None:
        """Open the connection and start the reader thread; raises `OSError` when Asterisk is not there."""
        opened = socket.create_connection((self._address, self._port), timeout=self._timeout)
        opened.settimeout(self._timeout)
        with self._open_lock:
            if self._closed:
                opened.close()
                return
            self._socket = opened
            self.finished = threading.Event()
            self._thread = threading.Thread(target=self.listen, name="ami-reader", daemon=True)
            self._thread.start()

    def disconnect(self) -> None:
        """Close the connection and wait for the reader thread; safe to call twice or before `connect`."""
        self._closed = True
        with self._open_lock:
            if self._socket is None:
                return
        self.finished.set()
        self._shut()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def send_action(self, action: Action, callback: None = None) -> None:
        """Send an action whole; raises `UnsafeAction`, or `NotConnected` when the connection is gone.

        The answer comes through `on_message`; asterisk-ami's futures block and never fail, so none is made.
        """
        if callback is not None:
            raise TypeError("answers come through on_message, callbacks are not supported")
        variables = {"Variable": [f"{key}={value}" for key, value in action.variables.items()]}
        self.send(encode_action(action.name, {**action.keys, **(variables if action.variables else {})}))

    def send(self, pack: bytes) -> None:
        """Send an encoded action; blocks at most the read timeout."""
        if self._socket is None or self.finished.is_set():
            raise NotConnected("there is no connection to Asterisk's manager port")
        try:
            with self._write_lock:
                self._socket.sendall(pack)
        except OSError as error:
            self.finished.set()
            raise NotConnected(f"Asterisk's manager port did not take an action: {error}") from error

    def listen(self) -> None:
        """Read until the connection ends; whatever ends it is told once to `on_disconnect`."""
        error: Exception | None = None
        try:
            packs = self._next_pack()
            self._check_greeting(next(packs, b""))
            self._fire_on_connect()
            for pack in packs:
                self.fire_recv_pack(pack)
        except Exception as caught:  # noqa: BLE001 - a reader thread that dies silently would be the defect again
            error = None if self.finished.is_set() else caught
        finally:
            self.finished.set()
            self._shut()
            with self._write_lock:  # a number that another thread still writes to must not be given out again
                self._socket.close()
            self._fire_on_disconnect(error=error)

    def fire_recv_pack(self, pack: bytes | Malformed) -> None:
        """Parse one framed message and hand it on; a listener's own error is logged, never fatal."""
        for found in [pack] if isinstance(pack, Malformed) else parse(pack, self._wanted):
            try:
                if isinstance(found, Malformed):
                    self._fire_on_unknown(pack=found)
                elif found.kind == "event":
                    self._fire_on_event(event=found)
                else:
                    self._fire_on_response(response=found)
            except Exception:
                log.exception("a listener failed on %s", found)

    def _shut(self) -> None:
        """Wake whoever waits in recv or sendall; a close alone would not."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _check_greeting(self, line: bytes | Malformed) -> None:
        if isinstance(line, Malformed) or not line.startswith(GREETING.encode()):
            raise AmiError(
                f"{self._address}:{self._port} is no Asterisk manager port: it greeted with {line!r}; check the port"
            )
        self._ami_version = line.removeprefix(GREETING.encode()).decode("ascii", "replace")

    def _next_pack(self) -> Iterator[bytes | Malformed]:
        """Yield the greeting line, then every framed message; ends when the peer closes."""
        greeting = b""
        while b"\r\n" not in greeting and len(greeting) < _GREETING_BYTES:
            data = self._receive()
            if not data:
                yield greeting
                return
            greeting += data
        line, _, data = greeting.partition(b"\r\n")
        yield line
        framer = Framer()
        while data := data or self._receive():
            yield from framer.feed(data)
            data = b""
        if rest := framer.rest():
            yield rest

    def _receive(self) -> bytes:
        try:
            return bytes(self._socket.recv(_READ_BYTES))
        except TimeoutError:
            raise NotConnected(f"Asterisk was silent for {self._timeout:g} s") from None
