"""How many running calls two cores follow without falling behind, and how fast finished recordings are decoded.

Run it by `make bench` or `python -m tests.benchmarks.speech_capacity`; it exits with 1 when a goal is missed. The
calls are the corpus' (unseen voices, noise, two tracks each); their files grow in real time, as Asterisk writes them. A
word's delay runs from the moment it was spoken, Asterisk's block of 0.34 s included, to the first event that shows it.
"""

import argparse
import asyncio
import os
import resource
import sys
import tempfile
import threading
import time
import wave
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt
import vosk

from asr.audio import Speaker, TrackSource, read_samples
from asr.live import Event, Finished, GivenUp, Heard, LiveDecoders, LiveTrack, Partial
from asr.model import SpeechModel, locate
from asr.recognizer import DecoderPool
from asr.synthesis import Espeak, SynthesisError
from asr.text import show
from tests.benchmarks.corpus.script import load_script, write_calls
from tests.benchmarks.corpus.sound import SPEAKERS, CallSound, call_sounds

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(os.environ.get("ZHITONG_TOOLS", ROOT / ".tools"))
PROCESSES, BLOCK, RATE = 2, 32_768, 8000
LAG_GOAL, LAG_GROWTH_GOAL, WORD_GOAL, WHOLE_GOAL = 2.0, 0.3, 1.5, 2.0
SCALE_GOAL, BARE_GOAL = 1.6, 0.95

Samples = npt.NDArray[np.int16]


@dataclass
class Running:
    """One call that is being spoken: when it began (monotonic), its tracks, what was told of it and when."""

    name: str
    began: float
    sounds: dict[Speaker, Samples]
    folder: Path
    told: list[tuple[float, Event]] = field(default_factory=list)
    finished_at: float = 0.0

    def tracks(self) -> list[LiveTrack]:
        """Say where its sound is."""
        return [
            LiveTrack(who, self.folder / f"{self.name}-{who}.sln48", self.folder / f"{self.name}-{who}.wav")
            for who in SPEAKERS
        ]


def percentile(values: Sequence[float], part: float) -> float:
    """Return the value below which `part` of them lie."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


def grow(calls: Sequence[Running], over: threading.Event) -> None:
    """Write what has been spoken by now, in whole blocks, until told to stop."""
    written = {(call.name, who): 0 for call in calls for who in SPEAKERS}
    while not over.wait(0.02):
        for call in calls:
            spoken = int((time.monotonic() - call.began) * RATE * 12) // BLOCK * BLOCK
            for track in call.tracks():
                done = written[call.name, track.speaker]
                if spoken <= done or track.live is None:
                    continue
                first, last = done // 12, -(-spoken // 12)
                data = np.repeat(call.sounds[track.speaker][first:last], 6).tobytes()
                with track.live.open("ab") as out:
                    out.write(data[done - first * 12 : spoken - first * 12])
                written[call.name, track.speaker] = spoken


def word_delays(call: Running) -> list[float]:
    """Return each word's delay, in seconds after it was spoken."""
    delays = []
    for ending, event in call.told:
        if not isinstance(event, Heard) or event.utterance is None:
            continue
        said = event.utterance
        shown = [
            (at, each.text)
            for at, each in call.told
            if isinstance(each, Partial)
            and each.speaker == said.speaker
            and said.start < each.heard_seconds
            and at < ending
        ]
        for count, word in enumerate(said.words, 1):
            wanted = _signs(show(said.words[:count]).text)
            at = next((at for at, text in shown if _signs(text) >= wanted), ending)
            delays.append(at - call.began - word.end)
    return delays


def _signs(text: str) -> int:
    return sum(sign.isalnum() for sign in text)


def _tiled(path: Path, seconds: float) -> Samples:
    samples = read_samples(path)[0][:, 0]
    return np.resize(samples, int(seconds * RATE)).astype("<i2")


async def follow(model: SpeechModel, sounds: Sequence[CallSound], seconds: float, folder: Path) -> int:
    """Follow all calls at once, print the figures, and return how many goals were missed."""
    now, chance = time.monotonic() + 1.0, np.random.default_rng(1)
    calls = [
        Running(
            f"c{k}",
            now + float(chance.uniform(0, 0.34)),
            {who: _tiled(getattr(sound, who), seconds + 30) for who in SPEAKERS},
            folder,
        )
        for k, sound in enumerate(sounds)
    ]
    by_name = {call.name: call for call in calls}
    over, lags, used = threading.Event(), [], _cpu_seconds()
    writer = threading.Thread(target=grow, args=(calls, over))
    async with LiveDecoders(PROCESSES) as decoders:

        async def listen() -> None:
            async for event in decoders.events():
                by_name[event.recording_id].told.append((time.monotonic(), event))

        listener = asyncio.create_task(listen())
        for call in calls:
            await decoders.open(call.name, call.tracks(), model)
        writer.start()
        while time.monotonic() < now + seconds:
            await asyncio.sleep(0.5)
            lags.append(await asyncio.to_thread(decoders.lag_seconds))
        for call in calls:
            for track in call.tracks():
                _complete(track.recording, call.sounds[track.speaker][: int((time.monotonic() - call.began) * RATE)])
            call.finished_at = time.monotonic()
            await decoders.finish(call.name)
            await asyncio.sleep(0.1)
        while not all(isinstance(call.told[-1][1], Finished | GivenUp) for call in calls if call.told):
            await asyncio.sleep(0.1)
        over.set()
    await listener
    writer.join()
    cores = (_cpu_seconds() - used) / (time.monotonic() - now)
    return _print_following(calls, lags, cores)


def _cpu_seconds() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime


def _complete(path: Path, samples: Samples) -> None:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(samples.tobytes())


def _print_following(calls: Sequence[Running], lags: Sequence[dict[str, float]], cores: float) -> int:
    write = sys.stdout.write
    each = [lag for sample in lags for lag in sample.values()]
    worst = [max(sample.values()) for sample in lags if sample]
    third = max(1, len(worst) // 3)
    growth = float(np.median(worst[-third:]) - np.median(worst[third : 2 * third]))
    words = [delay for call in calls for delay in word_delays(call)]
    whole = [call.told[-1][0] - call.finished_at for call in calls]
    lost = sum(isinstance(call.told[-1][1], GivenUp) for call in calls)
    write(f"{len(calls)} live calls, {2 * len(calls)} tracks, {PROCESSES} processes: {cores:.2f} cores, ")
    write(f"{len(words)} words, {lost} calls given up; machine load {os.getloadavg()[0]:.1f}\n")
    write(
        f"  lag p50 {percentile(each, 0.5):.2f} s, max {max(each):.2f} s; "
        f"spoken → told p50 {percentile(words, 0.5):.2f} s\n"
    )
    rows = (
        ("live lag p95", percentile(each, 0.95), LAG_GOAL),
        ("live lag growth", growth, LAG_GROWTH_GOAL),
        ("spoken → told p95", percentile(words, 0.95), WORD_GOAL),
        ("finish → whole p95", percentile(whole, 0.95), WHOLE_GOAL),
    )
    for name, got, goal in rows:
        write(f"  {name:<24}{got:>7.2f} s  at most {goal} s {'met' if got <= goal else 'MISSED'}\n")
    return sum(got > goal for _, got, goal in rows) + lost


_bare: vosk.Model | None = None


def _load_bare(path: str) -> None:
    global _bare  # noqa: PLW0603 - a process pool's initializer has no other place
    vosk.SetLogLevel(-1)
    _bare = vosk.Model(path)


def bare(paths: Sequence[Path]) -> int:
    """Decode as Vosk's own example does, by the same steps; returns the number of utterances."""
    found = 0
    for path in paths:
        data = read_samples(path)[0][:, 0].tobytes()
        recognizer = vosk.KaldiRecognizer(_bare, RATE)
        recognizer.SetWords(True)
        for at in range(0, len(data), RATE // 5 * 2):
            if recognizer.AcceptWaveform(data[at : at + RATE // 5 * 2]):
                found += "result" in recognizer.Result()
        found += "result" in recognizer.FinalResult()
    return found


def _pool_seconds(model: SpeechModel, sounds: Sequence[CallSound], processes: int) -> float:
    def one(sound: CallSound) -> None:
        pool.transcribe(model, [TrackSource(who, getattr(sound, who)) for who in SPEAKERS], "c")

    with DecoderPool(processes) as pool, ThreadPoolExecutor(processes) as threads:
        list(threads.map(one, sounds[:processes]))  # loads the models
        began = time.monotonic()
        list(threads.map(one, sounds))
        return time.monotonic() - began


def _bare_seconds(model: SpeechModel, sounds: Sequence[CallSound], processes: int) -> float:
    work = [[getattr(sound, who) for who in SPEAKERS] for sound in sounds]
    context = get_context("spawn")
    with ProcessPoolExecutor(processes, context, _load_bare, (str(model.path),)) as pool:
        list(pool.map(bare, work[:processes]))
        began = time.monotonic()
        list(pool.map(bare, work))
        return time.monotonic() - began


def batch(model: SpeechModel, sounds: Sequence[CallSound]) -> int:
    """Decode finished recordings by one process, by two, and by bare Vosk; return how many goals were missed."""
    audio = sum(read_samples(getattr(sound, who))[1].seconds for sound in sounds for who in SPEAKERS)
    one, two = _pool_seconds(model, sounds, 1), _pool_seconds(model, sounds, PROCESSES)
    bare_two = _bare_seconds(model, sounds, PROCESSES)
    write = sys.stdout.write
    write(
        f"{len(sounds)} recordings, {audio:.0f} s of tracks; seconds of track a second: one process {audio / one:.0f}, "
    )
    write(f"two {audio / two:.0f}, bare Vosk two {audio / bare_two:.0f}; machine load {os.getloadavg()[0]:.1f}\n")
    rows = (("two : one process", one / two, SCALE_GOAL), ("two : bare Vosk two", bare_two / two, BARE_GOAL))
    for name, got, goal in rows:
        write(f"  {name:<24}{got:>7.2f}    at least {goal} {'met' if got >= goal else 'MISSED'}\n")
    return sum(got < goal for _, got, goal in rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print both tables; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=75.0)
    options = parser.parse_args(arguments)
    espeak = Espeak.under(Path("/")) if not (TOOLS / "speech").is_dir() else None
    with suppress(SynthesisError):
        espeak = Espeak.under(TOOLS / "speech")
    model = locate(TOOLS / "models")
    calls = write_calls(load_script("held_out"), options.calls)
    sounds = call_sounds(calls, TOOLS / "benchmarks/calls", espeak or Espeak.under(Path("/")), PROCESSES)
    with tempfile.TemporaryDirectory() as folder:
        missed = asyncio.run(follow(model, sounds, options.seconds, Path(folder)))
    missed += batch(model, sounds)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
