"""How many running calls two cores follow without falling behind, and how fast finished recordings are decoded.

Run it by `make bench` or `python -m tests.benchmarks.speech_capacity`; it exits with 1 when a goal is missed. The
calls are the corpus' (unseen voices, noise, two tracks each); their files grow in real time, as Asterisk writes them. A
word's delay runs from the moment it was spoken, Asterisk's block of 0.34 s included, to the first event that shows it.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
import wave
from collections.abc import Mapping, Sequence
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
PROCESSES, BLOCK, RATE, SHARE = 2, 32_768, 8000, 10
LAG_GOAL, LAG_GROWTH_GOAL, WORD_GOAL, WHOLE_GOAL = 2.0, 0.3, 1.5, 2.0
SCALE_GOAL, BARE_GOAL = 1.6, 0.95

Samples = npt.NDArray[np.int16]


@dataclass
class Running:
    """One call that is being spoken: when it began (monotonic), its sound, what was told of it and when."""

    name: str
    began: float
    folder: Path
    told: list[tuple[float, Event]] = field(default_factory=list)
    finished_at: float = 0.0

    def tracks(self) -> list[LiveTrack]:
        """Say where its growing files are."""
        return [
            LiveTrack(who, self.folder / f"{self.name}-{who}.sln48", self.folder / f"{self.name}-{who}.wav")
            for who in SPEAKERS
        ]

    def spoken(self, speaker: Speaker) -> Samples:
        """Give all that a speaker is going to say."""
        samples: Samples = np.load(self.folder / f"{self.name}-{speaker}.npy", mmap_mode="r")
        return samples

    def complete(self) -> None:
        """Write the finished recording, as Asterisk does at hangup."""
        for track in self.tracks():
            with wave.open(str(track.recording), "wb") as out:
                out.setnchannels(1)
                out.setsampwidth(2)
                out.setframerate(RATE)
                out.writeframes(self.spoken(track.speaker)[: int((time.monotonic() - self.began) * RATE)].tobytes())
        self.finished_at = time.monotonic()


def percentile(values: Sequence[float], part: float) -> float:
    """Return the value below which `part` of them lie."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


def grow(began: Mapping[str, float], folder: Path) -> None:
    """Be Asterisk, in a process of one's own: write what has been spoken by now, in whole blocks, until ended."""
    tracks = [(call, who) for name, at in began.items() for call in [Running(name, at, folder)] for who in SPEAKERS]
    sounds = [np.array(call.spoken(who)) for call, who in tracks]
    files = [(folder / f"{call.name}-{who}.sln48").open("ab", buffering=0) for call, who in tracks]
    written = [0] * len(tracks)
    while True:
        for at, (call, _) in enumerate(tracks):
            spoken = int((time.monotonic() - call.began) * RATE * 12) // BLOCK * BLOCK
            if spoken > written[at]:
                first = written[at] // 12
                data = np.repeat(sounds[at][first : -(-spoken // 12)], 6).tobytes()
                files[at].write(data[written[at] - first * 12 : spoken - first * 12])
                written[at] = spoken
        time.sleep(0.02)


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


def _save(sounds: Sequence[CallSound], seconds: float, folder: Path) -> None:
    """Put what will be spoken where `Running.spoken` finds it."""
    for at, sound in enumerate(sounds):
        for who in SPEAKERS:
            np.save(folder / f"c{at}-{who}.npy", _tiled(getattr(sound, who), seconds))


async def follow(model: SpeechModel, sounds: Sequence[CallSound], seconds: float, folder: Path) -> int:
    """Follow all calls at once, print the figures, and return how many goals were missed."""
    chance = np.random.default_rng(1)
    _save(sounds, seconds + 30, folder)
    async with LiveDecoders(PROCESSES) as decoders:
        decoders.keep({model})
        while decoders.loaded < PROCESSES:
            await asyncio.sleep(0.1)
        now, lags, used = time.monotonic() + 3.0, [], _cpu_seconds(decoders.pids())
        calls = [Running(f"c{at}", now + float(chance.uniform(0, 0.34)), folder) for at in range(len(sounds))]
        by_name = {call.name: call for call in calls}
        began = {call.name: call.began for call in calls}
        writer = get_context("spawn").Process(target=grow, args=(began, folder), daemon=True)
        writer.start()

        async def listen() -> None:
            async for event in decoders.events():
                by_name[event.recording_id].told.append((time.monotonic(), event))

        listener = asyncio.create_task(listen())
        for call in calls:
            await decoders.open(call.name, call.tracks(), model)
        while time.monotonic() < now + seconds:
            await asyncio.sleep(0.5)
            lags.append(await asyncio.to_thread(decoders.lag_seconds))
        cores = (_cpu_seconds(decoders.pids()) - used) / (time.monotonic() - now)
        for call in calls:
            await asyncio.to_thread(call.complete)
            await decoders.finish(call.name)
            await asyncio.sleep(0.1)
        while not all(isinstance(call.told[-1][1], Finished | GivenUp) for call in calls):
            await asyncio.sleep(0.1)
        if not writer.is_alive():
            raise RuntimeError("the process that speaks ended early: nothing was measured")
        writer.terminate()
        writer.join()
    await listener
    return _print_following(calls, lags, cores)


def _cpu_seconds(pids: Sequence[int]) -> float:
    """Add up what these processes and this one have used."""
    total = time.process_time()
    for pid in pids:
        user, system = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[11:13]
        total += (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return total


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


_bare_model: vosk.Model | None = None


def _load_bare(path: str) -> None:
    global _bare_model  # noqa: PLW0603 - a process pool's initializer has no other place
    vosk.SetLogLevel(-1)
    _bare_model = vosk.Model(path)


def bare(paths: Sequence[Path]) -> int:
    """Decode as Vosk's own example does, by the same steps; returns the number of utterances."""
    found = 0
    for path in paths:
        data = read_samples(path)[0][:, 0].tobytes()
        recognizer = vosk.KaldiRecognizer(_bare_model, RATE)
        recognizer.SetWords(True)
        for at in range(0, len(data), RATE // 5 * 2):
            if recognizer.AcceptWaveform(data[at : at + RATE // 5 * 2]):
                found += "result" in recognizer.Result()
        found += "result" in recognizer.FinalResult()
    return found


def _one(pool: DecoderPool, model: SpeechModel, sounds: Sequence[CallSound], processes: int) -> float:
    """Decode by so many processes of ours; returns the seconds it took."""

    def decode(sound: CallSound) -> None:
        pool.transcribe(model, [TrackSource(who, getattr(sound, who)) for who in SPEAKERS], "c")

    with ThreadPoolExecutor(processes) as threads:
        began = time.monotonic()
        list(threads.map(decode, sounds))
        return time.monotonic() - began


def _bare(pool: ProcessPoolExecutor, sounds: Sequence[CallSound]) -> float:
    began = time.monotonic()
    list(pool.map(bare, [[getattr(sound, who) for who in SPEAKERS] for sound in sounds]))
    return time.monotonic() - began


def batch(model: SpeechModel, sounds: Sequence[CallSound]) -> int:
    """Decode finished recordings by one process, by two, and by bare Vosk; return how many goals were missed.

    The three take turns, share by share, so that whatever else the machine does slows all of them.
    """
    audio = sum(read_samples(getattr(sound, who))[1].seconds for sound in sounds for who in SPEAKERS)
    spent = dict.fromkeys(("one", "two", "bare"), 0.0)
    context = get_context("spawn")
    with (
        DecoderPool(1) as single,
        DecoderPool(PROCESSES) as double,
        ProcessPoolExecutor(PROCESSES, context, _load_bare, (str(model.path),)) as vosk_pool,
    ):
        for pool, processes in ((single, 1), (double, PROCESSES)):
            _one(pool, model, sounds[:processes], processes)  # loads the models
        _bare(vosk_pool, sounds[:PROCESSES])
        for at in range(0, len(sounds), SHARE):
            share = sounds[at : at + SHARE]
            spent["one"] += _one(single, model, share, 1)
            spent["two"] += _one(double, model, share, PROCESSES)
            spent["bare"] += _bare(vosk_pool, share)
    write = sys.stdout.write
    speeds = ", ".join(f"{name} {audio / seconds:.0f}" for name, seconds in spent.items())
    write(f"{len(sounds)} recordings, {audio:.0f} s of tracks; seconds of track a second: {speeds} (two processes); ")
    write(f"machine load {os.getloadavg()[0]:.1f}\n")
    rows = (
        ("two : one process", spent["one"] / spent["two"], SCALE_GOAL),
        ("two : bare Vosk two", spent["bare"] / spent["two"], BARE_GOAL),
    )
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
    calls = write_calls(load_script("dev_second"), options.calls)
    sounds = call_sounds(calls, TOOLS / "benchmarks/calls", espeak or Espeak.under(Path("/")), PROCESSES)
    with tempfile.TemporaryDirectory() as folder:
        missed = asyncio.run(follow(model, sounds, options.seconds, Path(folder)))
    missed += batch(model, sounds)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
