"""The decoding graph in Vosk's lookahead layout: HCLr.fst (sounds to words) and Gr.fst (the language model).

L, the lexicon, is determinised and minimised alone and its phones are expanded to HMM states in Kaldi's "reorder"
form (forward transition first, then the self-loops). The FST operations are OpenFst's programs (Debian's libfst-tools).
"""

import math
import os
import shutil
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.training.errors import TrainingError
from asr.training.phones import HMM_STATES, PHONE_COUNT, SILENCE, phone_id, split, word_positions

SILENCE_CHANCE = 0.25
FIRST_DISAMBIGUATOR = PHONE_COUNT + 1
TRANSITION_IDS = 2 * sum(len(states) for states in HMM_STATES)


@dataclass(frozen=True, slots=True)
class FstTools:
    """OpenFst's programs and libraries, the one that knows lookahead FSTs among them."""

    programs: Path
    libraries: tuple[Path, ...]

    @classmethod
    def under(cls, root: Path) -> "FstTools":
        """Find them where Debian's libfst-tools was installed (`/`) or unpacked; raises TrainingError if missing."""
        programs = root / "usr/bin"
        names = ("libfst.so", "libfstscript.so", "libfstlookahead.so")
        libraries = [next(iter(sorted((root / "usr/lib").glob(f"*/{name}.[0-9]*"))), None) for name in names]
        found = tuple(library for library in libraries if library)
        if not shutil.which("fstconvert", path=str(programs)) or len(found) < len(names):
            raise TrainingError(f"OpenFst is not under {root}: install or unpack Debian's libfst-tools")
        return cls(programs, found)

    def run(self, program: str, *options: str, stdin: bytes) -> bytes:
        """Run one program on standard input; raises TrainingError with what it said if it fails."""
        # Preloaded by path: an unpacked libc beside them must not replace the host's.
        environment = {**os.environ, "LD_PRELOAD": ":".join(map(str, self.libraries))}
        command = [str(self.programs / program), *options]
        finished = subprocess.run(command, input=stdin, capture_output=True, env=environment, check=False)
        if finished.returncode:
            raise TrainingError(f"{program} failed: {finished.stderr.decode(errors='replace').strip()}")
        return finished.stdout


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The words in the order of their numbers (from 1) and their readings as sounds."""

    words: tuple[str, ...]
    readings: tuple[tuple[tuple[str, ...], ...], ...]

    @classmethod
    def build(cls, pronunciations: Mapping[str, Sequence[Sequence[str]]]) -> "Lexicon":
        """Build from each word's readings in numbered pinyin; tones are dropped, double readings with them."""
        words = tuple(sorted(pronunciations))
        readings = tuple(
            tuple(dict.fromkeys(tuple(s for syllable in reading for s in split(syllable)) for reading in readings))
            for readings in (pronunciations[word] for word in words)
        )
        return cls(words, readings)

    def numbers(self) -> dict[str, int]:
        """Return each word's number."""
        return {word: number for number, word in enumerate(self.words, start=1)}


def lexicon_text(lexicon: Lexicon) -> tuple[str, int]:
    """Return L for fstcompile, and how many disambiguators tell words of the same sound apart."""
    no_silence, silence = -math.log(1 - SILENCE_CHANCE), -math.log(SILENCE_CHANCE)
    loop, pause = 1, 2
    lines = [
        f"0 {loop} 0 0 {no_silence:.4f}",
        f"0 {pause} 0 0 {silence:.4f}",
        f"{pause} {loop} {phone_id(SILENCE)} 0",
        f"{loop} 0",
    ]
    same_sound: dict[tuple[str, ...], int] = defaultdict(int)
    for readings in lexicon.readings:
        for reading in readings:
            same_sound[reading] += 1
    used: dict[tuple[str, ...], int] = defaultdict(int)
    next_state = 3
    for number, readings in enumerate(lexicon.readings, start=1):
        for reading in readings:
            labels = [phone_id(sound, position) for sound, position in word_positions(reading)]
            if same_sound[reading] > 1:
                labels.append(FIRST_DISAMBIGUATOR + used[reading])
                used[reading] += 1
            state, word = loop, number
            for label in labels[:-1]:
                lines.append(f"{state} {next_state} {label} {word}")
                state, word, next_state = next_state, 0, next_state + 1
            lines.append(f"{state} {loop} {labels[-1]} {word} {no_silence:.4f}")
            lines.append(f"{state} {pause} {labels[-1]} {word} {silence:.4f}")
    return "\n".join(lines) + "\n", max(used.values(), default=0)


def expand(lexicon_fst: str) -> str:
    """Return the FST text with every phone's arc replaced by its HMM states; disambiguators move above them."""
    rows = [line.split() for line in lexicon_fst.splitlines() if line]
    states = 1 + max(int(value) for row in rows for value in row[: 2 if len(row) > 2 else 1])  # noqa: PLR2004
    entered: dict[tuple[int, int], int] = {}
    lines: list[str] = []

    def enter(target: int, phone: int, state: int) -> int:
        """Return the state with the self-loop of `phone`'s HMM state that goes on to `target`."""
        nonlocal states
        key = (target, HMM_STATES[phone][state].number)
        if key not in entered:
            entered[key] = states
            here, states = states, states + 1
            hmm = HMM_STATES[phone][state]
            lines.append(f"{here} {here} {hmm.self_loop} 0 {math.log(2):.4f}")
            if state + 1 < len(HMM_STATES[phone]):
                onward = HMM_STATES[phone][state + 1].forward
                lines.append(f"{here} {enter(target, phone, state + 1)} {onward} 0 {math.log(2):.4f}")
            else:
                lines.append(f"{here} {target} 0 0")
        return entered[key]

    for row in rows:
        if len(row) <= 2:  # noqa: PLR2004 (a final state)
            lines.append(" ".join(row))
            continue
        source, target, phone, word = (int(value) for value in row[:4])
        cost = float(row[4]) if len(row) > 4 else 0.0  # noqa: PLR2004
        if phone == 0:
            lines.append(f"{source} {target} 0 {word} {cost:.4f}")
        elif phone >= FIRST_DISAMBIGUATOR:
            lines.append(f"{source} {target} {TRANSITION_IDS + 1 + phone - FIRST_DISAMBIGUATOR} {word} {cost:.4f}")
        else:
            first = HMM_STATES[phone][0].forward
            lines.append(f"{source} {enter(target, phone, 0)} {first} {word} {cost + math.log(2):.4f}")
    start = rows[0][0]
    lines.sort(key=lambda line: line.split(" ", 1)[0] != start)  # fstcompile starts at the first line's state
    return "\n".join(lines) + "\n"


def write_graph(folder: Path, lexicon: Lexicon, grammar: str, tools: FstTools) -> None:
    """Write HCLr.fst, Gr.fst, words.txt and disambig_tid.int; `grammar` is G's text with the lexicon's numbers."""
    text, disambiguators = lexicon_text(lexicon)
    compiled = tools.run("fstcompile", stdin=text.encode())
    minimal = tools.run("fstminimize", stdin=tools.run("fstdeterminize", stdin=compiled))
    expanded = tools.run("fstcompile", stdin=expand(tools.run("fstprint", stdin=minimal).decode()).encode())
    by_word = tools.run("fstarcsort", "--sort_type=olabel", stdin=expanded)
    with tempfile.TemporaryDirectory() as scratch:
        pairs = Path(scratch) / "relabel.txt"
        lookahead = tools.run(
            "fstconvert", "--fst_type=olabel_lookahead", f"--save_relabel_opairs={pairs}", stdin=by_word
        )
        relabel = {int(old): int(new) for old, new in map(str.split, pairs.read_text().splitlines())}
        relabelled = tools.run("fstcompile", stdin=grammar.encode())
        options = (f"--relabel_ipairs={pairs}", f"--relabel_opairs={pairs}")
        relabelled = tools.run("fstrelabel", *options, stdin=relabelled)
    by_input = tools.run("fstarcsort", "--sort_type=ilabel", stdin=relabelled)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "HCLr.fst").write_bytes(lookahead)
    (folder / "Gr.fst").write_bytes(tools.run("fstconvert", "--fst_type=const", stdin=by_input))
    numbered = [("<eps>", 0), *((word, relabel[number]) for word, number in lexicon.numbers().items())]
    numbered.sort(key=lambda pair: pair[1])
    (folder / "words.txt").write_text("".join(f"{word} {number}\n" for word, number in numbered), encoding="utf-8")
    disambiguator_ids = range(TRANSITION_IDS + 1, TRANSITION_IDS + 1 + disambiguators)
    (folder / "disambig_tid.int").write_text("".join(f"{label}\n" for label in disambiguator_ids))
