"""What config/speech says: words and how they sound, names, voices, and the shapes of sentences."""

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asr.synthesis import spoken_syllables
from asr.training.errors import TrainingError

HELD_OUT = frozenset({"f4", "m7", "Andrea", "Mike"})
"""For measuring, the tests and the demo; training refuses a configuration that trains on them."""

PLACE_SLOTS = ("district", "street", "road", "community", "public_place", "surname")
NUMBER_SLOTS = (
    *("house_number", "building", "unit_number", "floor", "room", "mobile"),
    *("landline", "few_digits", "clock", "date", "amount"),
)
"""Slots that asr.training.sentences fills with numbers as they are said."""

EXAMPLE_SHARE = 0.25
"""Of the lines to draw from, those that are sentences of examples.toml; the templates, which say addresses, numbers and
names, are repeated to make up the rest."""

UNKNOWN_SIGN_COST = 1.5
"""Of a sign that is in no word, when a sentence is cut into as few words as can be."""

LONGEST_WORD = 12

HAN_WORD = re.compile(r"[\u3400-\u9fff〇]+")
WEIGHT = re.compile(r"(\d+)\*\s+")


@dataclass(frozen=True, slots=True)
class Voices:
    """espeak-ng variants heard in training and those never heard, words a minute and pitch from and to."""

    training: tuple[str, ...]
    held_out: tuple[str, ...]
    rate: tuple[int, int]
    pitch: tuple[int, int]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The texts that measure the model: of shapes that training has, and of shapes that it must not have."""

    known_shapes: tuple[str, ...]
    unseen_shapes: tuple[str, ...]
    shapes: tuple[str, ...]
    texts: frozenset[str]
    """All of them: what training must not contain."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """All of config/speech, with the names of the gazetteer and the taxonomy."""

    words: tuple[str, ...]
    slots: Mapping[str, tuple[str, ...]]
    templates: tuple[str, ...]
    readings: Mapping[str, tuple[str, ...]]
    voices: Voices
    held_out: HeldOut
    examples: tuple[str, ...]
    """What citizens say of matters and dangers, as lines of words."""
    common: Mapping[str, int]
    """How often ordinary words are; a single sign's count says nothing of whether the model is to know it."""

    def vocabulary(self) -> tuple[str, ...]:
        """Return every word that the model will know, sorted."""
        words = {*self.words, *(word for word in self.common if len(word) > 1)}
        for line in (*self.templates, *(line for lines in self.slots.values() for line in lines)):
            words.update(token for token in line.split() if not token.startswith("{"))
        return tuple(sorted(words))

    def pronunciations(self, word: str) -> list[tuple[str, ...]]:
        """Return a word's readings as numbered pinyin syllables, the usual one first."""
        if word in self.readings:
            return [tuple(reading.split()) for reading in self.readings[word]]
        return [spoken_syllables(word)]


def load_recipe(config: Path) -> Recipe:
    """Read `config/speech` and, where they are, `config/gazetteer/*.toml` and `config/taxonomy.toml`.

    Raises TrainingError for a missing file, an unknown slot, a word that is not hanzi, or a held-out voice in training.
    """
    folder = config / "speech"
    sentences, voices = _toml(folder / "sentences.toml"), _toml(folder / "voices.toml")
    slots = {name: tuple(_choices(text)) for name, text in sentences["slots"].items()}
    places = {name: tuple(text.split()) for name, text in _toml(folder / "places.toml").items()}
    for path in sorted((config / "gazetteer").glob("*.toml")):
        for kind, names in gazetteer_names(_toml(path)):
            places[kind] = tuple(dict.fromkeys((*places.get(kind, ()), *names)))
    units, phrases = _taxonomy_names(config / "taxonomy.toml")
    measured = {name: tuple(_choices(text)) for name, text in _toml(folder / "held_out.toml").items()}
    words = tuple(_choices((folder / "words.txt").read_text(encoding="utf-8")))
    slots |= {kind: (*names, *slots.get(kind, ())) for kind, names in places.items()}
    slots |= {"unit": units, "any_word": words}
    templates = tuple(_choices(sentences["templates"]["lines"]))
    common = _counts(folder / "common_words.txt")
    known = {token for lines in (templates, *slots.values()) for line in lines for token in line.split()}
    slots["matter_phrase"] = tuple(in_words(phrase, known) for phrase in phrases)
    examples = _examples(config, known)
    times = round(len(examples) * (1 / EXAMPLE_SHARE - 1) / len(templates))
    recipe = Recipe(
        words=words,
        slots=slots,
        templates=(*templates * max(1, times), *examples),
        readings={word: tuple(readings) for word, readings in _toml(folder / "pronunciations.toml").items()},
        voices=Voices(
            tuple(voices["training"]), tuple(voices["held_out"]), tuple(voices["rate"]), tuple(voices["pitch"])
        ),
        held_out=HeldOut(**measured, texts=frozenset((*measured["known_shapes"], *measured["unseen_shapes"]))),
        examples=examples,
        common=common,
    )
    _check(recipe)
    return recipe


def gazetteer_names(gazetteer: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Yield each kind of place of a gazetteer file with its names that can be spoken as one word."""
    for kind, entries in gazetteer.items():
        if not isinstance(entries, list):
            continue
        names = [entry["name"] if isinstance(entry, dict) else str(entry) for entry in entries]
        aliases = [alias for entry in entries if isinstance(entry, dict) for alias in entry.get("aliases", ())]
        yield kind, [name for name in (*names, *aliases) if HAN_WORD.fullmatch(name)]


def _taxonomy_names(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the units and the phrases of the taxonomy: every list of words in it, whatever its key."""
    units: dict[str, None] = {}
    phrases: dict[str, None] = {}

    def visit(node: Any, key: str) -> None:
        if isinstance(node, dict):
            for name, value in node.items():
                visit(value, name)
        elif isinstance(node, list):
            for value in node:
                visit(value, key)
        elif isinstance(node, str) and key not in {"code", "zh", "en", "name"} and HAN_WORD.fullmatch(node):
            (units if key == "unit" else phrases)[node] = None

    if path.is_file():
        visit(_toml(path), "")
    return tuple(units) or ("城管",), tuple(phrases) or ("噪音扰民",)


def in_words(sentence: str, known: Collection[str]) -> str:
    """Cut a sentence into as few known words as can be, signs that are in none by themselves; spaces between words."""
    best: list[tuple[float, int]] = [(0.0, 0)]  # of each prefix: its cost, and where its last word begins
    for end in range(1, len(sentence) + 1):
        starts = range(max(0, end - LONGEST_WORD), end)
        ways = [(best[start][0] + 1, start) for start in starts if sentence[start:end] in known]
        best.append(min([*ways, (best[end - 1][0] + UNKNOWN_SIGN_COST, end - 1)]))
    words, end = [], len(sentence)
    while end:
        words.append(sentence[best[end][1] : end])
        end = best[end][1]
    return " ".join(reversed(words))


def _examples(config: Path, known: Collection[str]) -> tuple[str, ...]:
    """Return what citizens say of each matter and of dangers as lines of words; a pause is no word."""
    matters, dangers = config / "examples.toml", config / "dangers.toml"
    said = [text for texts in _toml(matters)["examples"].values() for text in texts] if matters.is_file() else []
    if dangers.is_file():
        alarms = _toml(dangers)
        said += [text for kind in ("urgent", "normal") for texts in alarms[kind].values() for text in texts]
    return tuple(" ".join(in_words(part, known) for part in text.split("，")) for text in said)


def _counts(path: Path) -> dict[str, int]:
    """Return the words of a list with their counts. Raises TrainingError for a line that is not a word and a count."""
    counts: dict[str, int] = {}
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if line.startswith("#"):
            continue
        word, _, count = line.partition(" ")
        if not count.isdecimal():
            raise TrainingError(f"{path}, line {number}: {line!r} is not a word and how often it is, as in: 晚上 3043")
        counts[word] = int(count)
    return counts


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as missing:
        raise TrainingError(f"{path} is missing: it is part of the training recipe") from missing


def _choices(text: str) -> list[str]:
    """Return the lines of a block, a weighted one as often as its weight."""
    choices: list[str] = []
    for raw in text.splitlines():
        line = raw.split("#")[0].strip()
        weight = WEIGHT.match(line)
        if line:
            choices += [line[weight.end() :]] * int(weight[1]) if weight else [line]
    return choices


def _check(recipe: Recipe) -> None:
    trained_on = HELD_OUT & set(recipe.voices.training)
    if trained_on or not set(recipe.voices.held_out) >= HELD_OUT:
        raise TrainingError(
            f"voices.toml: {', '.join(sorted(HELD_OUT))} are for measuring; keep them in held_out, out of training"
        )
    shared = set(recipe.templates) & set(recipe.held_out.shapes)
    if shared:
        raise TrainingError(f"sentences.toml has shapes of held_out.toml, they could measure nothing: {shared}")
    known = {*recipe.slots, *NUMBER_SLOTS}
    lines = (line for lines in recipe.slots.values() for line in lines)
    for line in (*recipe.templates, *recipe.held_out.shapes, *lines):
        for slot in re.findall(r"\{(\w+)\}", line):
            if slot not in known:
                raise TrainingError(f"sentences.toml: no slot {{{slot}}}, used in {line!r}")
    for word in (*recipe.vocabulary(), *recipe.readings):
        if not HAN_WORD.fullmatch(word):
            raise TrainingError(f"config/speech: {word!r} is not written in hanzi; write numbers as they are said")


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as broken:
        raise TrainingError(f"{path}: {broken}") from broken
