from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from asr.errors import DraftConfigError


@dataclass(frozen=True, slots=True)
class Matter:
    """A kind of request: what it is called, which unit handles it, and the phrases that citizens use for it."""

    code: str
    zh: str
    en: str
    unit: str
    complexity: str
    strong: tuple[str, ...]
    phrases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DangerRule:
    """Urgent when one of `words` is said, in one sentence with one of `objects` where there are any."""

    name: str
    words: tuple[str, ...]
    objects: tuple[str, ...] = ()
    sure: bool = True


@dataclass(frozen=True, slots=True)
class UrgencyRules:
    """What makes a request urgent, and which words before or after take that back."""

    rules: tuple[DangerRule, ...]
    negation: tuple[str, ...]
    negation_bridge: tuple[str, ...]
    past: tuple[str, ...]
    ongoing: tuple[str, ...]
    settled: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """All matters, and the rules for urgency and complexity that hold across them."""

    matters: tuple[Matter, ...]
    complex_words: tuple[str, ...]
    urgency: UrgencyRules

    def matter(self, code: str) -> Matter:
        """Find a matter by its code. Raises DraftConfigError for a code that is not in the taxonomy."""
        for matter in self.matters:
            if matter.code == code:
                return matter
        raise DraftConfigError(f"no matter has the code {code}: add it to the taxonomy")


def parse_taxonomy(shape: Mapping[str, Any], name: str) -> Taxonomy:
    """Read a taxonomy from its TOML. Raises DraftConfigError that names `name` and what is wrong."""
    try:
        matters = tuple(_matter(each) for each in shape["matter"])
        urgency = shape["urgency"]
        taxonomy = Taxonomy(
            matters=matters,
            complex_words=_texts(shape["complexity"]["complex"]),
            urgency=UrgencyRules(
                rules=tuple(
                    DangerRule(
                        str(rule["name"]),
                        _texts(rule["words"]),
                        _texts(rule.get("objects", [])),
                        bool(rule.get("sure", True)),
                    )
                    for rule in urgency["rule"]
                ),
                negation=_texts(urgency["negation"]),
                negation_bridge=_texts(urgency["negation_bridge"]),
                past=_texts(urgency["past"]),
                ongoing=_texts(urgency["ongoing"]),
                settled=_texts(urgency["settled"]),
            ),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DraftConfigError(f"{name}: {type(error).__name__} {error}") from error
    codes = [matter.code for matter in matters]
    if twice := {code for code in codes if codes.count(code) > 1}:
        raise DraftConfigError(f"{name}: the code {min(twice)} stands there twice; give each matter its own")
    return taxonomy


def _matter(shape: Mapping[str, Any]) -> Matter:
    if shape["complexity"] not in ("simple", "complex"):
        raise ValueError(f"complexity of {shape['code']} is neither simple nor complex")
    code, zh, en, unit, complexity = (str(shape[key]) for key in ("code", "zh", "en", "unit", "complexity"))
    return Matter(code, zh, en, unit, complexity, _texts(shape["strong"]), _texts(shape["phrases"]))


def _texts(shape: object) -> tuple[str, ...]:
    if not isinstance(shape, list) or not all(isinstance(text, str) and text for text in shape):
        raise ValueError(f"a list of words is needed, not {shape!r}")
    return tuple(shape)
