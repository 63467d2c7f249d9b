"""Recordings that grow on disk as Asterisk writes them."""

import asyncio
import struct
import wave
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from asr.audio import Samples, Speaker
from asr.transcript import Utterance
from tests.api import samples

Words = dict[Speaker, list[str]]
CALL = samples.call("1.1")
RECORDING = str(CALL.segments[0].recording_id)
RATE = 8000
_BLOCK = 32_768
_HEADER_BYTES = 44
_UP = 6


class GrowingCall:
    """Both tracks of a call: raw at 48 kHz in `live/`, WAV at 8 kHz in `recordings/`, in blocks of 32 KiB."""

    def __init__(self, data_dir: Path, recording_id: str, tracks: dict[Speaker, Samples], *, live: bool = True) -> None:
        longest = max(len(sound) for sound in tracks.values())
        self.recording_id = recording_id
        self.seconds = longest / RATE
        self._recordings = data_dir / "recordings"
        self._live = data_dir / "live" if live else None
        self._tracks = {who: np.pad(sound, (0, longest - len(sound))).astype("<i2") for who, sound in tracks.items()}
        self._data = {who: sound.tobytes() for who, sound in self._tracks.items()}
        self._raised = {who: np.repeat(sound, _UP).tobytes() for who, sound in self._tracks.items()}
        for folder in filter(None, (self._recordings, self._live)):
            folder.mkdir(parents=True, exist_ok=True)
        self.to(0.0)

    def to(self, seconds: float) -> None:
        """Let the files be what they are after so many seconds of the call."""
        samples = int(seconds * RATE)
        for who in self._tracks:
            content = _header(0) + self._data[who]
            written = _HEADER_BYTES + samples * 2
            _grow(self._wav(who), content, max(_HEADER_BYTES, min(written, len(content)) // _BLOCK * _BLOCK))
            if self._live is not None:
                raised = self._raised[who]
                _grow(self._live_file(who), raised, min(samples * 2 * _UP, len(raised)) // _BLOCK * _BLOCK)

    async def grow(self, start: float, end: float, speed: float) -> None:
        """Let the call go on from one second to another, `speed` times as fast as time."""
        step = _BLOCK / 2 / RATE / _UP
        at = start
        while at < end:
            at = min(end, at + step)
            self.to(at)
            await asyncio.sleep(step / speed)

    def end(self, *, mark: bool = True) -> None:
        """Hang up: all is written, the headers are right, the mark is made."""
        for who, data in self._data.items():
            _grow(self._wav(who), _header(0) + data, _HEADER_BYTES + len(data))
            with self._wav(who).open("r+b") as file:
                file.write(_header(len(data)))
            if self._live is not None:
                _grow(self._live_file(who), self._raised[who], len(self._raised[who]))
        self._write_mixed()
        if mark:
            (self._recordings / f"{self.recording_id}.done").touch()

    def _wav(self, who: Speaker) -> Path:
        return self._recordings / f"{self.recording_id}-{who}.wav"

    def _live_file(self, who: Speaker) -> Path:
        assert self._live is not None
        return self._live / f"{self.recording_id}-{who}.sln48"

    def _write_mixed(self) -> None:
        mixed = sum(sound.astype(np.int32) for sound in self._tracks.values())
        with wave.open(str(self._recordings / f"{self.recording_id}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(np.clip(mixed, -32768, 32767).astype("<i2").tobytes())


def _grow(path: Path, content: bytes, size: int) -> None:
    """Append up to `size`: Asterisk never writes a byte twice, but for the header at the end."""
    with path.open("ab") as file:
        file.write(memoryview(content)[file.tell() : size])


def _header(size: int) -> bytes:
    riff = struct.pack("<I", 36 + size if size else 0)
    form = struct.pack("<IHHIIHH", 16, 1, 1, RATE, RATE * 2, 2, 16)
    return b"RIFF" + riff + b"WAVEfmt " + form + b"data" + struct.pack("<I", size)


def words_of(utterances: Iterable[Utterance]) -> Words:
    """The words that each speaker said, in order."""
    found: Words = {"agent": [], "citizen": []}
    for utterance in sorted(utterances, key=lambda each: each.start):
        found[utterance.speaker] += [word.text for word in utterance.words]
    return found
