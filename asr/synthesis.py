"""Mandarin speech by espeak-ng: what the demo's people say, and all that the bundled model ever heard.

espeak-ng segfaults now and then, so the library is loaded only in a child process (`python -m asr.synthesis`);
a child that dies is replaced and goes on with the sentence that killed it.
"""

import ctypes
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import soxr

from asr.errors import AsrError

SAMPLE_RATE = 8000
"""Samples a second of everything this module returns: the telephone's rate."""

ATTEMPTS = 4
"""espeak-ng 1.51 dies in about one job of sixteen; the same sentence works the next time."""

PACKAGE_ROOT = str(Path(__file__).resolve().parents[1])
SYLLABLE = re.compile(r"[a-z]+[1-5]")
PAUSE = ","
DIGITS = dict(zip("0123456789", "零一二三四五六七八九", strict=True))
PAUSES = set("，。！？、；：,.!?;: \n")
HAN = re.compile(r"[\u3400-\u9fff零〇]+")
READINGS = {"嗯": ["en4"], "嘞": ["lei5"], "哎": ["ai1"], "〇": ["ling2"]}
"""Syllables that pypinyin writes without a vowel or not at all."""

Samples = npt.NDArray[np.int16]


class SynthesisError(AsrError):
    """A text cannot be spoken, or espeak-ng is not there or keeps dying."""

    error_id = "asr.synthesis"


@dataclass(frozen=True, slots=True)
class Espeak:
    """Where espeak-ng is: the shared library, and its data directory (the one that holds `phontab`)."""

    library: Path
    data: Path

    @classmethod
    def under(cls, root: Path) -> "Espeak":
        """Find espeak-ng in a directory into which Debian's packages were unpacked (`/` for the host's own).

        Raises SynthesisError when the library or its data are missing there.
        """
        libraries = _find(root, "libespeak-ng.so.1")
        tables = _find(root, "espeak-ng-data/phontab")
        if not libraries or not tables:
            raise SynthesisError(
                f"espeak-ng is not under {root}: install or unpack Debian's libespeak-ng1 and espeak-ng-data"
            )
        return cls(library=libraries[0], data=tables[0].parent)


def _find(root: Path, name: str) -> list[Path]:
    folders = [root / "usr/lib", *(root / "usr/lib").glob("*-linux-*"), root / "usr/local/lib", root / "usr/share"]
    return [folder / name for folder in folders if (folder / name).exists()]


@dataclass(frozen=True, slots=True)
class Job:
    """One sentence to speak: numbered pinyin, a voice variant, words a minute, pitch 0 to 99."""

    syllables: tuple[str, ...]
    voice: str
    rate: int = 175
    pitch: int = 50


@dataclass(frozen=True, slots=True)
class Syllable:
    """When a syllable was spoken: its sounds' starts and its end, in seconds."""

    pinyin: str
    sound_starts: tuple[float, ...]
    end: float


@dataclass(frozen=True, slots=True)
class Speech:
    """One spoken sentence at 8 kHz and the times of its syllables."""

    samples: Samples
    syllables: tuple[Syllable, ...] = field(default=())


def spoken_syllables(text: str) -> tuple[str, ...]:
    """Return the numbered pinyin of a Chinese text, "," for a pause; digits are read one by one.

    Raises SynthesisError when the text is empty or holds anything but hanzi, ASCII digits and punctuation.
    """
    spoken = "".join(DIGITS.get(character, character) for character in text)
    strange = sorted({c for c in spoken if c not in PAUSES and not HAN.fullmatch(c)})
    if strange:
        raise SynthesisError(f"cannot speak {''.join(strange)!r} in {text!r}: write it in hanzi or digits")
    # Its table takes a third of a second to load, and every command of ours knows of this module.
    from pypinyin import Style, lazy_pinyin  # noqa: PLC0415

    syllables: list[str] = []
    for part in re.findall(r"[\u3400-\u9fff〇]+|.", spoken, flags=re.DOTALL):
        if part in PAUSES:
            if syllables and syllables[-1] != PAUSE and part != " ":
                syllables.append(PAUSE)
            continue
        found = lazy_pinyin(part, style=Style.TONE3, neutral_tone_with_five=True, errors="ignore")
        syllables += [reading for c, s in zip(part, found, strict=True) for reading in READINGS.get(c, [s])]
    while syllables and syllables[-1] == PAUSE:
        syllables.pop()
    if not syllables:
        raise SynthesisError(f"there is nothing to speak in {text!r}: give at least one hanzi or digit")
    return tuple(syllables)


def synthesise(text: str, voice: str, rate: int, espeak: Espeak, pitch: int = 50) -> Samples:
    """Speak a Chinese text: `voice` is an espeak-ng variant (`f2`), `rate` words a minute, `pitch` 0 to 99.

    Returns int16 mono at 8 kHz. Raises SynthesisError for a text that cannot be spoken or a voice that is not there.
    """
    return synthesise_all([Job(spoken_syllables(text), voice, rate, pitch)], espeak)[0].samples


def render_track(
    lines: Sequence[tuple[float, str]], voice: str, espeak: Espeak, rate: int = 175, pitch: int = 50
) -> Samples:
    """Speak the lines (start second, text) of one speaker into one track of int16 at 8 kHz.

    A line whose time has passed while the one before was still spoken follows it at once; none is cut or mixed.
    """
    jobs = [Job(spoken_syllables(text), voice, rate, pitch) for _, text in lines]
    track: list[Samples] = []
    position = 0
    for (start_second, _), speech in zip(lines, synthesise_all(jobs, espeak), strict=True):
        silence = max(0, round(start_second * SAMPLE_RATE) - position)
        track += [np.zeros(silence, dtype=np.int16), speech.samples]
        position += silence + len(speech.samples)
    return np.concatenate(track) if track else np.zeros(0, dtype=np.int16)


def synthesise_all(jobs: Sequence[Job], espeak: Espeak) -> list[Speech]:
    """Speak many sentences in one child process, replaced when it dies; the results are in the jobs' order.

    Raises SynthesisError when the child refuses a job (its reason is quoted) or dies `ATTEMPTS` times at one sentence.
    """
    for job in jobs:
        if not job.syllables or not all(s == PAUSE or SYLLABLE.fullmatch(s) for s in job.syllables):
            raise SynthesisError(f"not numbered pinyin: {' '.join(job.syllables)!r}")
        if not (espeak.data / "voices" / "!v" / job.voice).is_file():
            raise SynthesisError(f"espeak-ng has no voice variant {job.voice!r} in {espeak.data}")
    done: list[Speech] = []
    deaths = 0
    while len(done) < len(jobs):
        before = len(done)
        reason = _speak_until_death(jobs[before:], espeak, done)
        deaths = 1 if len(done) > before else deaths + 1
        if deaths >= ATTEMPTS and len(done) < len(jobs):
            text = " ".join(jobs[len(done)].syllables)
            raise SynthesisError(f"espeak-ng failed {deaths} times at {text!r}: {reason}")
    return done


def _speak_until_death(jobs: Sequence[Job], espeak: Espeak, done: list[Speech]) -> str:
    """Append what one child spoke; return why it ended."""
    command = [sys.executable, "-m", "asr.synthesis", str(espeak.library), str(espeak.data)]
    request = json.dumps([asdict(job) for job in jobs]).encode()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([PACKAGE_ROOT, os.environ.get("PYTHONPATH", "")])}
    finished = subprocess.run(command, input=request, capture_output=True, env=environment, check=False)
    _read_replies(finished.stdout, jobs, done)
    return finished.stderr.decode(errors="replace").strip()[-300:] or f"exit code {finished.returncode}"


def _read_replies(replies: bytes, jobs: Iterable[Job], done: list[Speech]) -> None:
    position = 0
    for job in jobs:
        line_end = replies.find(b"\n", position)
        if line_end < 0:
            return
        head = json.loads(replies[position:line_end])
        position = line_end + 1 + 2 * head["samples"]
        if position > len(replies):
            return  # the child died while it wrote this one
        samples = np.frombuffer(replies[line_end + 1 : position], dtype="<i2")
        done.append(_speech(job, samples, head["rate"], head["words"]))


def _speech(job: Job, samples: Samples, rate: int, words: list[list[int]]) -> Speech:
    """Bring one reply to 8 kHz and name its syllables; each word is its sounds' starts and its end, in samples."""
    spoken = [s for s in job.syllables if s != PAUSE]
    named = zip(spoken, words, strict=True) if len(spoken) == len(words) else ()
    syllables = tuple(Syllable(name, tuple(t / rate for t in times[:-1]), times[-1] / rate) for name, times in named)
    resampled = soxr.resample(samples.astype(np.float32), rate, SAMPLE_RATE, quality="HQ")
    return Speech(np.clip(np.round(resampled), -32768, 32767).astype(np.int16), syllables)


# What follows runs in the child: espeak-ng's C interface (speak_lib.h of espeak-ng 1.51).

SYNCHRONOUS, PHONEME_EVENTS, UTF8 = 2, 1, 1
WORD_EVENT, PHONEME_EVENT = 1, 7
RATE_PARAMETER, PITCH_PARAMETER = 1, 3


class _EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


def _load(library: Path) -> ctypes.CDLL:
    """Load a library, and from its own directory those that it needs and the host lacks (an unpacked libc: never)."""
    while True:
        try:
            return ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
        except OSError as failure:
            missing = str(failure).split(":")[0]
            beside = [
                library.parent / missing,
                library.parent / "pulseaudio" / missing,
                library.parent.parent / missing,
            ]
            found = next((path for path in beside if path.exists() and path != library), None)
            if found is None:
                raise
            _load(found)


def _child(library: str, data: str, requests: BinaryIO, replies: BinaryIO) -> int:
    """Speak the jobs on stdin; write for each a JSON line (samples, rate, words) and the raw samples."""
    lib: Any = _load(Path(library))
    rate = lib.espeak_Initialize(SYNCHRONOUS, 0, os.fsencode(data), PHONEME_EVENTS)
    if rate <= 0:
        sys.stderr.write(f"espeak-ng cannot read its data in {data}")
        return 1
    audio: list[bytes] = []
    words: list[list[int]] = []
    spoken: list[bool] = []  # not empty once the current syllable has ended

    def collect(samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            audio.append(ctypes.string_at(samples, 2 * count))
        position = 0
        while (event := events[position]).type:
            if event.type == WORD_EVENT and event.length:
                words.append([])
                spoken.clear()
            elif event.type == PHONEME_EVENT and words and not spoken:
                words[-1].append(event.sample)
                if event.id.string.startswith(b"_"):  # the pause that ends a syllable
                    spoken.append(True)
            position += 1
        return 0

    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))
    keep = callback(collect)
    lib.espeak_SetSynthCallback(keep)
    for job in json.loads(requests.read()):
        audio.clear()
        words.clear()
        if lib.espeak_SetVoiceByName(f"cmn-latn-pinyin+{job['voice']}".encode()) != 0:
            sys.stderr.write(f"espeak-ng refuses the voice {job['voice']}")
            return 1
        lib.espeak_SetParameter(RATE_PARAMETER, job["rate"], 0)
        lib.espeak_SetParameter(PITCH_PARAMETER, job["pitch"], 0)
        text = " ".join(job["syllables"]).encode()
        lib.espeak_Synth(text, len(text) + 1, 0, 1, 0, UTF8, None, None)
        sound = b"".join(audio)
        head = {"samples": len(sound) // 2, "rate": rate, "words": [w for w in words if w]}
        replies.write(json.dumps(head).encode() + b"\n" + sound)
        replies.flush()
    return 0


if __name__ == "__main__":
    sys.exit(_child(sys.argv[1], sys.argv[2], sys.stdin.buffer, sys.stdout.buffer))
