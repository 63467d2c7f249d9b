"""Sentences that show how matters, emergencies and what only sounds like one are spoken of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from asr.errors import DraftConfigError

URGENT, NORMAL = "urgent", "normal"
OTHER = "other"
"""What stands for a matter where a sentence belongs to none of the taxonomy, or to two as well."""

EVERY = 2
"""Of the calm sentences every second is learned from: more add nothing but time."""


@dataclass(frozen=True, slots=True)
class Examples:
    """`matters`: sentences by a matter's code; `tops`: by a top matter's, where nobody said which kind of it they are.

    `urgent`, `normal`: sentences of emergencies and of everything else.
    """

    matters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tops: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    urgent: tuple[str, ...] = ()
    normal: tuple[str, ...] = ()


NO_EXAMPLES = Examples()


def parse_examples(shape: Mapping[str, Any], name: str) -> dict[str, tuple[str, ...]]:
    """Read sentences by a matter's code from their TOML. Raises DraftConfigError: what is wrong in `name`."""
    if "examples" not in shape:
        raise DraftConfigError(f'{name} has no [examples]: put lines there such as "noise.business" = ["酒吧太吵了"]')
    return _by_code("examples", shape["examples"], name)


def parse_dangers(shape: Mapping[str, Any], matters: Mapping[str, tuple[str, ...]], name: str) -> Examples:
    """Read sentences of emergencies and of none, by the code of their matter or under `other`.

    They are examples of their matters too (of the top one alone, where they have no other code), and the calm ones of
    `matters` are no emergencies either. Raises DraftConfigError.
    """
    if unknown := set(shape) - {"calm", URGENT, NORMAL}:
        raise DraftConfigError(f"{name} has the unknown key {min(unknown)!r}; known are calm, urgent, normal")
    calm = _sentences("calm", shape.get("calm", []), name)
    urgent, normal = (_by_code(key, shape.get(key, {}), name) for key in (URGENT, NORMAL))
    if strange := {code for code in calm if not any(_within(each, code) for each in matters)}:
        raise DraftConfigError(f"{name}: calm names {min(strange)!r}, which has no sentences in examples.toml")
    quiet = [text for code, texts in matters.items() if any(_within(code, each) for each in calm) for text in texts]
    told, tops = {**matters}, dict[str, tuple[str, ...]]()
    for by_code in (urgent, normal):
        for code, texts in by_code.items():
            if code != OTHER:
                kinds = told if "." in code else tops
                kinds[code] = (*kinds.get(code, ()), *texts)
    return Examples(told, tops, _all(urgent), (*_all(normal), *quiet[::EVERY]))


def _by_code(key: str, shape: object, name: str) -> dict[str, tuple[str, ...]]:
    if not isinstance(shape, dict):
        raise DraftConfigError(f'{name}: [{key}] needs sentences by matter, such as "gas.leak" = ["漏气了"]')
    for code, texts in shape.items():
        if isinstance(texts, dict):
            raise DraftConfigError(f'{name}: {code}.{min(texts)} must be in quotes: "{code}.{min(texts)}" = [...]')
    return {code: _sentences(f"{key}, {code}", texts, name) for code, texts in shape.items()}


def _all(by_code: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(text for texts in by_code.values() for text in texts)


def _within(code: str, above: str) -> bool:
    return code == above or code.startswith(f"{above}.")


def _sentences(key: str, texts: object, name: str) -> tuple[str, ...]:
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise DraftConfigError(f"{name}: {key} needs a list of sentences, not {texts!r}")
    if not all(text.strip() for text in texts):
        raise DraftConfigError(f"{name}: {key} has an empty sentence; write one or take it out")
    return tuple(texts)
