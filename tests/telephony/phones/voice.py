"""What a phone says and hears, packet by packet: SIPp speaks SIP for it, this its sound (RTP, RFC 3550)."""

import select
import shutil
import socket
import struct
import tempfile
import threading
import time
import wave
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from telephony.phones.audio import RATE, decode_alaw, encode_alaw
from telephony.phones.citizen import free_port_pair

Signal = npt.NDArray[np.int16]
_PACKET, _PACKET_SECONDS = 160, 0.02
_PCMA = 8
_HEADER = struct.Struct("!BBHII")
# What was said is looked for in pieces of so long: a longer one breaks where a packet came late.
_PIECE = RATE // 4
# Of a piece that three say at a time, each one's share is 1/√3 = 0.58; what is not there is found with at most 0.2.
_FOUND = 0.35
ON_THE_WAY_SECONDS = 0.3


class Voice:
    """One phone's sound: says noise that is nobody else's and never the same again, keeps what it is sent.

    Speaks in each call whose media port SIPp writes into `asked_by`, until `fall_silent`: then it sends nothing at all.
    Use as a context manager.
    """

    def __init__(self, address: str, seed: int, seconds: float = 40) -> None:
        self.port = free_port_pair(address)
        self._said = encode_alaw(band_noise(seed, seconds))
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, self.port))
        self.asked_by = Path(tempfile.mkdtemp(prefix="zhitong-voice-")) / "media"
        self._peer: tuple[str, int] | None = None
        self._began = time.monotonic()
        self._heard: list[tuple[float, bytes]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"voice-{self.port}")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._socket.close()
        shutil.rmtree(self.asked_by.parent)

    def fall_silent(self) -> None:
        """Send no more packets, as a muted phone may."""
        self._peer = None

    def said(self, span: tuple[float, float]) -> Signal:
        """Give what was said in a span of `time.monotonic`."""
        begin, end = (round((at - self._began) * RATE) for at in span)
        return decode_alaw(self._said[begin:end])

    def heard(self, span: tuple[float, float]) -> Signal:
        """Give what was heard in a span, and what was still on the way at its end."""
        begin, end = span
        packets = [data for at, data in self._heard if begin <= at <= end + ON_THE_WAY_SECONDS]
        return decode_alaw(b"".join(packets))

    def _run(self) -> None:
        number = 0
        while not self._ended.is_set():
            wait_seconds = self._began + number * _PACKET_SECONDS - time.monotonic()
            if select.select([self._socket], [], [], max(0, wait_seconds))[0]:
                self._receive()
                continue
            if self.asked_by.is_file() and (asked := self.asked_by.read_text()).endswith("\n"):
                self.asked_by.unlink()
                self._peer = ("127.0.0.1", int(asked))
            payload = self._said[number * _PACKET : (number + 1) * _PACKET]
            if (peer := self._peer) and payload:
                header = _HEADER.pack(0x80, _PCMA, number & 0xFFFF, number * _PACKET, self.port)
                self._socket.sendto(header + payload, peer)
            number += 1

    def _receive(self) -> None:
        packet = self._socket.recv(2048)
        version_and_flags, kind = packet[0], packet[1] & 0x7F
        if kind == _PCMA:
            self._heard.append((time.monotonic(), packet[_HEADER.size + 4 * (version_and_flags & 0x0F) :]))


def band_noise(seed: int, seconds: float) -> Signal:
    """Give noise of the telephone's band (300 to 3400 Hz, G.712), which correlates with nothing but itself."""
    size = int(RATE * seconds)
    white = np.fft.rfft(np.random.default_rng(seed).normal(0, 3000, size))
    pitch = np.fft.rfftfreq(size, 1 / RATE)
    white[(pitch < 300) | (pitch > 3400)] = 0
    return np.fft.irfft(white, size).astype(np.int16)


def read(path: Path) -> Signal:
    """Give the samples of a recording."""
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (1, RATE, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def share(heard: Signal, said: Signal) -> float:
    """Give how much of what was said is in what was heard: the pieces that correlate with some part of it."""
    pieces = [said[at : at + _PIECE] for at in range(0, said.size - _PIECE + 1, _PIECE)]
    assert pieces, "nothing was said"
    return sum(likeness(heard, piece) > _FOUND for piece in pieces) / len(pieces)


def likeness(heard: Signal, piece: Signal) -> float:
    """Give the normalised cross-correlation of a piece with the part of `heard` that is most like it."""
    if heard.size < piece.size:
        return 0.0
    recorded, wanted = heard.astype(np.float64), piece.astype(np.float64)
    size = recorded.size + wanted.size
    products = np.fft.irfft(np.fft.rfft(recorded, size) * np.conj(np.fft.rfft(wanted, size)), size)
    energy = np.concatenate([[0.0], np.cumsum(recorded**2)])
    parts = energy[wanted.size :] - energy[: -wanted.size]
    found = products[: parts.size] / (np.sqrt(np.maximum(parts, 1.0)) * np.linalg.norm(wanted))
    return float(found.max())
