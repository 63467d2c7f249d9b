from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from asr.draft.examples import NO_EXAMPLES, URGENT, Examples
from asr.draft.likeness import Likeness
from asr.errors import DraftConfigError
from asr.text.finding import Finder

_MATTER_KEYS = {"code", "zh", "en", "unit", "complexity", "required", "strong", "phrases", "sub"}


def top_of(code: str) -> str:
    """Give the code of the top matter of a code: its part before the dot."""
    return code.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Matter:
    """A kind of request: what it is called, which unit handles it, and the phrases that citizens use for it.

    `code` is `top` or `top.sub`; a sub-matter takes unit, complexity and required facts from its top where it has
    none of its own. `required`: the draft's fields without which a unit cannot act.
    """

    code: str
    zh: str
    en: str
    unit: str
    complexity: str
    strong: tuple[str, ...]
    phrases: tuple[str, ...]
    required: tuple[str, ...] = ()

    @property
    def top(self) -> str:
        """The code of the matter that this one belongs to: its own, or the part before the dot."""
        return top_of(self.code)


@dataclass(frozen=True, slots=True)
class DangerRule:
    """Urgent when one of `words` is said, in one sentence with one of `objects` where there are any.

    `lasting`: what happened long ago still stands (a crack). `manner_of_speaking_in`: top matters in which the words
    alone say little (走路很危险).
    """

    name: str
    words: tuple[str, ...]
    objects: tuple[str, ...] = ()
    sure: bool = True
    lasting: bool = False
    manner_of_speaking_in: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UrgencyRules:
    """What makes a request urgent, and which words before or after take that back."""

    rules: tuple[DangerRule, ...]
    negation: tuple[str, ...]
    negation_bridge: tuple[str, ...]
    past: tuple[str, ...]
    ongoing: tuple[str, ...]
    settled: tuple[str, ...]
    supposed: tuple[str, ...]
    aftermath: tuple[str, ...]
    named_after: tuple[str, ...]
    how_to: tuple[str, ...]
    here: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """All matters, each top followed by its subs, and what holds across them.

    `questions`: what an agent asks when a fact is missing, Chinese and English, in asking order. `respondents`: who is
    complained about (物业, 健身房 …) and general words (老板). `phrases`, `dangers`: finders of the words of
    matters and of danger rules. `meanings`: phrase → codes of its matters, and whether it is a strong one there.
    `likeness`: to the top matters' examples; `kinds`: within each top matter, to its sub-matters'; `alarms`: to
    emergencies.
    """

    matters: tuple[Matter, ...]
    complex_words: tuple[str, ...]
    urgency: UrgencyRules
    questions: Mapping[str, tuple[str, str]]
    respondents: tuple[tuple[str, ...], tuple[str, ...]]
    examples: Examples = NO_EXAMPLES
    likeness: Likeness = field(init=False, repr=False, compare=False)
    kinds: Mapping[str, Likeness] = field(init=False, repr=False, compare=False)
    alarms: Likeness = field(init=False, repr=False, compare=False)
    phrases: Finder = field(init=False, repr=False, compare=False)
    meanings: Mapping[str, tuple[tuple[str, bool], ...]] = field(init=False, repr=False, compare=False)
    dangers: Finder = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        meanings: dict[str, tuple[tuple[str, bool], ...]] = {}
        for matter in self.matters:
            for words, strong in ((matter.strong, True), (matter.phrases, False)):
                for phrase in words:
                    meanings[phrase] = (*meanings.get(phrase, ()), (matter.code, strong))
        strong_ones = [phrase for matter in self.matters for phrase in matter.strong]
        dangers = [word for rule in self.urgency.rules for word in rule.words]
        # A frozen dataclass is filled in once, here: what the drafting rules look for, ready to be found in one pass.
        object.__setattr__(self, "meanings", meanings)
        object.__setattr__(self, "likeness", Likeness(self._examples_by_top()))
        tops = dict.fromkeys(matter.top for matter in self.matters)
        object.__setattr__(self, "kinds", {top: self._kinds_of(top) for top in tops})
        object.__setattr__(self, "alarms", Likeness({URGENT: self.examples.urgent, "normal": self.examples.normal}))
        object.__setattr__(self, "phrases", Finder(meanings, strong_ones))
        object.__setattr__(self, "dangers", Finder(dangers, dangers))

    def learn(self) -> None:
        """Fit what is learned from the examples now (seconds), so that the first draft need not wait for it."""
        for likeness in (self.likeness, self.alarms, *self.kinds.values()):
            likeness.scores("")

    def _examples_by_top(self) -> Mapping[str, Sequence[str]]:
        by_top: dict[str, list[str]] = {}
        for code, texts in (*self.examples.matters.items(), *self.examples.tops.items()):
            by_top.setdefault(top_of(code), []).extend(texts)
        return by_top

    def _kinds_of(self, top: str) -> Likeness:
        """Learn which kind of a top matter a text is, from the examples of this top alone."""
        return Likeness({code: texts for code, texts in self.examples.matters.items() if top_of(code) == top})

    def matter(self, code: str) -> Matter:
        """Find a matter by its code. Raises DraftConfigError for a code that is not in the taxonomy."""
        for matter in self.matters:
            if matter.code == code:
                return matter
        raise DraftConfigError(f"no matter has the code {code}: add it to the taxonomy")

    def top(self, code: str) -> str:
        """Give the code of the top matter of `code`. Raises DraftConfigError for a code that is not in the taxonomy."""
        return self.matter(code).top

    def ask(self, field: str) -> tuple[str, str]:
        """Give the question for a missing fact, Chinese and English. Raises DraftConfigError where there is none."""
        if field not in self.questions:
            raise DraftConfigError(f"no question asks for {field}: add it to [ask] of the taxonomy")
        return self.questions[field]


def parse_taxonomy(shape: Mapping[str, Any], name: str, examples: Examples = NO_EXAMPLES) -> Taxonomy:
    """Read a taxonomy from its TOML, with `examples` by code. Raises DraftConfigError: what is wrong in `name`."""
    try:
        matters = tuple(matter for each in shape["matter"] for matter in _tree(each))
        urgency = shape["urgency"]
        questions = {str(field): _question(asked) for field, asked in shape["ask"].items()}
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
                        bool(rule.get("lasting", False)),
                        _texts(rule.get("manner_of_speaking_in", [])),
                    )
                    for rule in urgency["rule"]
                ),
                negation=_texts(urgency["negation"]),
                negation_bridge=_texts(urgency["negation_bridge"]),
                past=_texts(urgency["past"]),
                ongoing=_texts(urgency["ongoing"]),
                settled=_texts(urgency["settled"]),
                supposed=_texts(urgency["supposed"]),
                aftermath=_texts(urgency["aftermath"]),
                named_after=_texts(urgency["named_after"]),
                how_to=_texts(urgency["how_to"]),
                here=_texts(urgency["here"]),
            ),
            questions=questions,
            respondents=(_texts(shape["respondent"]["names"]), _texts(shape["respondent"]["general"])),
            examples=examples,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DraftConfigError(f"{name}: {type(error).__name__} {error}") from error
    codes = [matter.code for matter in matters]
    if twice := {code for code in codes if codes.count(code) > 1}:
        raise DraftConfigError(f"{name}: the code {min(twice)} stands there twice; give each matter its own")
    if strange := {*examples.matters, *examples.tops} - set(codes):
        raise DraftConfigError(
            f"examples.toml, dangers.toml: unknown code {min(strange)!r}; "
            f"give the code of a matter of {name} (noise, noise.business)"
        )
    for matter in matters:
        if unknown := set(matter.required) - set(questions):
            raise DraftConfigError(
                f"{name}: {matter.code} requires {min(unknown)!r}, for which [ask] has no question;"
                f" known are {', '.join(questions)}"
            )
    return taxonomy


def _tree(shape: Mapping[str, Any]) -> Iterator[Matter]:
    top = _matter(shape, shape)
    if "." in top.code:
        raise ValueError(f"{top.code!r}: a top matter's code has no dot; put sub-matters below it as [[matter.sub]]")
    yield top
    for sub in shape.get("sub", []):
        inherited = {key: shape[key] for key in ("unit", "complexity", "required") if key in shape}
        yield _matter({**inherited, **sub, "code": f"{top.code}.{sub['code']}"}, sub)


def _matter(shape: Mapping[str, Any], own: Mapping[str, Any]) -> Matter:
    if unknown := set(own) - _MATTER_KEYS:
        raise ValueError(f"{shape['code']} has the unknown key {min(unknown)!r}; known are {sorted(_MATTER_KEYS)}")
    if shape["complexity"] not in ("simple", "complex"):
        raise ValueError(f"complexity of {shape['code']} is neither simple nor complex")
    code, zh, en, unit, complexity = (str(shape[key]) for key in ("code", "zh", "en", "unit", "complexity"))
    required = _texts(shape.get("required", []))
    return Matter(code, zh, en, unit, complexity, _texts(shape["strong"]), _texts(shape["phrases"]), required)


def _question(shape: object) -> tuple[str, str]:
    zh, en = _texts(shape)
    return zh, en


def _texts(shape: object) -> tuple[str, ...]:
    if not isinstance(shape, list) or not all(isinstance(text, str) and text for text in shape):
        raise ValueError(f"a list of words is needed, not {shape!r}")
    return tuple(shape)
