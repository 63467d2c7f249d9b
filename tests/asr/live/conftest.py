"""Running calls for the tests of live decoding: files that grow as Asterisk writes them, and what is told of them."""

import asyncio
import time
import wave
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from asr.audio import Speaker, TrackSource
from asr.live import Event, Finished, GivenUp, Heard, LiveDecoders, LiveTrack, Partial
from asr.live.pool import LINGER_SECONDS
from asr.model import SpeechModel
from asr.recognizer import Decoder
from asr.synthesis import Espeak, render_track

Samples = npt.NDArray[np.int16]
DEADLINE_SECONDS = 60.0
BLOCK = 32_768

AGENT = [(0.3, "您好，请问有什么可以帮您？"), (8.0, "请问具体位置在哪里？"), (15.5, "好的，马上转给住建局处理，谢谢。")]
CITIZEN = [
    (3.0, "富华南路变压器旁边有一个板房倾斜，很危险。"),
    (10.0, "就在十五号门口。"),
    (12.5, "一三八零零一二三四五六"),
]


@pytest.fixture(scope="session")
def agent_sound(espeak: Espeak) -> Samples:
    return _with_line_noise(render_track(AGENT, "Mike", espeak), 1)


@pytest.fixture(scope="session")
def citizen_sound(espeak: Espeak) -> Samples:
    return _with_line_noise(render_track(CITIZEN, "f4", espeak), 2)


def _with_line_noise(samples: Samples, seed: int) -> Samples:
    """Give both tracks one length and a line's noise."""
    whole = np.pad(samples, (0, max(0, 20 * 8000 - len(samples))))[: 20 * 8000].astype(np.float64)
    return (whole * 0.5 + np.random.default_rng(seed).normal(0, 12, len(whole))).astype(np.int16)


@dataclass
class Wire:
    """One speaker's files while the call runs: the live copy at 48 kHz and the WAV whose header says nothing yet."""

    speaker: Speaker
    live: Path | None
    recording: Path
    samples: Samples
    written: int = 0

    def track(self, heard_seconds: float = 0.0) -> LiveTrack:
        return LiveTrack(self.speaker, self.live, self.recording, heard_seconds)

    def grow_to(self, seconds: float) -> None:
        """Let both files hold so much sound; the WAV's writer holds back what fills no block."""
        count = min(len(self.samples), round(seconds * 8000))
        if self.live is not None:
            with self.live.open("ab") as out:
                out.write(np.repeat(self.samples[self.written : count], 6).astype("<i2").tobytes())
        self.written = count
        data = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\0\0\0\0"
        data += self.samples[:count].astype("<i2").tobytes()
        self.recording.write_bytes(data[: len(data) // BLOCK * BLOCK])

    def complete(self) -> None:
        """The call is over: the recording is written to its end, with a true header."""
        write_wav(self.recording, self.samples)


def write_wav(path: Path, samples: Samples) -> None:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(samples.astype("<i2").tobytes())


@dataclass
class Ear:
    """What was told, in order."""

    decoders: LiveDecoders
    events: list[Event] = field(default_factory=list)

    async def listen(self) -> None:
        async for event in self.decoders.events():
            self.events.append(event)

    async def until(self, condition: Callable[[], object], seconds: float = DEADLINE_SECONDS) -> None:
        """Wait for a condition with a generous deadline."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"never came; told: {self.events[-5:]}"
            await asyncio.sleep(0.02)

    def of(self, *kinds: type) -> list[Event]:
        return [event for event in self.events if isinstance(event, kinds)]

    async def ended(self, *recording_ids: str) -> dict[str, Finished | GivenUp]:
        """Wait until the calls are finished or given up."""

        def over() -> dict[str, Finished | GivenUp]:
            return {each.recording_id: each for each in self.events if isinstance(each, Finished | GivenUp)}

        await self.until(lambda: set(recording_ids) <= set(over()))
        return over()

    def heard(self, recording_id: str = "r") -> list[tuple[str, str, float]]:
        """Give all stored words of a call, by speaker and time."""
        words = [
            (each.speaker, word.text, word.start)
            for each in self.events
            if isinstance(each, Heard) and each.recording_id == recording_id and each.utterance
            for word in each.utterance.words
        ]
        return sorted(words, key=lambda word: (word[0], word[2]))

    def partials(self) -> list[Partial]:
        return [event for event in self.events if isinstance(event, Partial)]


@asynccontextmanager
async def listening(processes: int = 1, linger_seconds: float = LINGER_SECONDS) -> AsyncIterator[Ear]:
    async with LiveDecoders(processes, linger_seconds) as decoders:
        ear = Ear(decoders)
        task = asyncio.create_task(ear.listen())
        yield ear
    await task


@pytest.fixture
def wires(tmp_path: Path, agent_sound: Samples, citizen_sound: Samples) -> list[Wire]:
    """A call that has just been answered: both speakers' files, nothing in them yet."""
    return new_call(tmp_path, {"agent": agent_sound, "citizen": citizen_sound})


def new_call(folder: Path, sounds: dict[Speaker, Samples], name: str = "R") -> list[Wire]:
    return [
        Wire(who, folder / f"{name}-{who}.sln48", folder / f"{name}-{who}.wav", samples)
        for who, samples in sounds.items()
    ]


@pytest.fixture(scope="session")
def batch(
    speech_model: SpeechModel, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., list[tuple[str, str, float]]]:
    """Give the words that batch decoding hears in the same sound."""
    folder = tmp_path_factory.mktemp("batch")

    def decode(wires: Iterable[Wire]) -> list[tuple[str, str, float]]:
        sources = []
        for wire in wires:
            write_wav(folder / f"{wire.speaker}.wav", wire.samples)
            sources.append(TrackSource(wire.speaker, folder / f"{wire.speaker}.wav"))
        with Decoder(speech_model) as decoder:
            transcript = decoder.transcribe(sources, "c")
        words = [(each.speaker, word.text, word.start) for each in transcript.utterances for word in each.words]
        return sorted(words, key=lambda word: (word[0], word[2]))

    return decode
