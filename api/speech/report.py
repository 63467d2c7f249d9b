"""What agents' corrections teach: per-field accuracy, confusions, missing words. Pure: data in, figures out.

Every figure has the tickets behind it.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

CONFUSED = ("category", "urgency", "unit")
PLACES = ("place", "district", "street")
MOST_WORDS = 10
LEAST_LETTERS = 2

# Where in a named place: the number, the building, beside it. What is left is the name a gazetteer could have.
_SPOT = re.compile(r"(?:[0-9一二三四五六七八九十百]+(?:号|栋|单元|楼|幢|室|弄)|附近|旁边|对面|门口|路口|楼下).*$")
_EMPTY_WORDS = frozenset("的了是在我你他她它们这那有和就都也很不吗呢吧啊嗯哦好请问您们个一上下来去说要到会能没")


@dataclass(frozen=True, slots=True)
class Decision:
    """The latest that an agent said of a ticket's field, and what the machine had said when the agent did."""

    ticket_id: str
    field: str
    machine_value: str | None
    agent_value: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """The words that a call's citizen used, and the category that its ticket has now."""

    ticket_id: str
    category: str
    words: tuple[str, ...]


@dataclass(slots=True)
class FieldFigures:
    """One field: `drafts` suggested tickets, and of those that an agent looked at, what became of it."""

    drafts: int = 0
    unchanged: list[str] = field(default_factory=list)
    corrected: list[str] = field(default_factory=list)
    left_empty: list[str] = field(default_factory=list)

    @property
    def decided(self) -> int:
        """The denominator of the accuracy."""
        return len(self.unchanged) + len(self.corrected)

    @property
    def accuracy(self) -> float | None:
        """Unchanged ÷ (unchanged + corrected); None where nobody decided anything."""
        return len(self.unchanged) / self.decided if self.decided else None

    def to_json(self) -> dict[str, Any]:
        """Give the agreed JSON shape."""
        return {
            "drafts": self.drafts,
            "unchanged": len(self.unchanged),
            "corrected": len(self.corrected),
            "left_empty": len(self.left_empty),
            "decided": self.decided,
            "accuracy": self.accuracy,
            "tickets": {
                "unchanged": self.unchanged,
                "corrected": self.corrected,
                "left_empty": self.left_empty,
            },
        }


@dataclass(frozen=True, slots=True)
class Count:
    """Something that happened in these tickets."""

    what: Mapping[str, Any]
    ticket_ids: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Give the agreed JSON shape."""
        return {**self.what, "count": len(self.ticket_ids), "tickets": list(self.ticket_ids)}


@dataclass(frozen=True, slots=True)
class Report:
    """All of it, for one period."""

    fields: Mapping[str, FieldFigures]
    confusions: Sequence[Count]
    places_lacking: Sequence[Count]
    words_lacking: Sequence[Count]

    def to_json(self) -> dict[str, Any]:
        """Give the agreed JSON shape."""
        return {
            "fields": {name: figures.to_json() for name, figures in self.fields.items()},
            "confusions": [each.to_json() for each in self.confusions],
            "places_lacking": [each.to_json() for each in self.places_lacking],
            "words_lacking": [each.to_json() for each in self.words_lacking],
        }


def report(
    drafts: Mapping[str, int],
    decisions: Sequence[Decision],
    left_empty: Iterable[tuple[str, str]],
    told: Sequence[Told],
    places: Collection[str],
    phrases: Mapping[str, Collection[str]],
) -> Report:
    """Work the figures out.

    `drafts` counts drafts by field; `left_empty` are (ticket, field) that stayed empty in tickets that an agent worked
    on; `told` what citizens said in those tickets; `places` the gazetteer's names; `phrases` the taxonomy's by code.
    """
    fields = {name: FieldFigures(count) for name, count in drafts.items()}
    confused: dict[tuple[str, str | None, str | None], list[str]] = defaultdict(list)
    lacking: dict[tuple[str, str], list[str]] = defaultdict(list)
    for each in decisions:
        figures = fields.setdefault(each.field, FieldFigures())
        if each.agent_value == each.machine_value:
            figures.unchanged.append(each.ticket_id)
            continue
        figures.corrected.append(each.ticket_id)
        if each.field in CONFUSED:
            confused[each.field, each.machine_value, each.agent_value].append(each.ticket_id)
        if each.field in PLACES and each.agent_value and (name := place_lacking(each.agent_value, places)):
            lacking[each.field, name].append(each.ticket_id)
    for ticket_id, name in left_empty:
        fields.setdefault(name, FieldFigures()).left_empty.append(ticket_id)
    return Report(
        fields,
        _counts(({"field": name, "machine": was, "agent": now}, ids) for (name, was, now), ids in confused.items()),
        _counts(({"field": name, "text": place}, ids) for (name, place), ids in lacking.items()),
        words_lacking(decisions, told, phrases),
    )


def place_lacking(typed: str, places: Collection[str]) -> str | None:
    """Return the name that a typed place has and the gazetteer lacks, None where the gazetteer knows some of it."""
    if any(name in typed for name in places):
        return None
    return _SPOT.sub("", typed).strip() or typed


def words_lacking(
    decisions: Sequence[Decision], told: Sequence[Told], phrases: Mapping[str, Collection[str]]
) -> Sequence[Count]:
    """Return the words of citizens whose category was corrected to one whose phrases do not have them.

    A word counts once a ticket. It is left out where half of the other categories' tickets or more have it too, since
    it then says nothing; first come those that most of the tickets have and the fewest others.
    """
    corrected = {
        each.ticket_id
        for each in decisions
        if each.field == "category" and each.agent_value and each.agent_value != each.machine_value
    }
    result: list[Count] = []
    for category in sorted({each.category for each in told if each.ticket_id in corrected}):
        others = [set(each.words) for each in told if each.category != category]
        mine: dict[str, list[str]] = defaultdict(list)
        for each in told:
            if each.category == category and each.ticket_id in corrected:
                for word in dict.fromkeys(each.words):
                    mine[word].append(each.ticket_id)
        ranked = []
        for word, ids in mine.items():
            if _says_nothing(word) or any(word in known or known in word for known in phrases.get(category, ())):
                continue
            elsewhere = sum(word in words for words in others)
            if others and elsewhere * 2 >= len(others):
                continue
            ranked.append((-len(ids), elsewhere, -len(word), word, tuple(ids)))
        result += [Count({"category": category, "word": word}, ids) for *_, word, ids in sorted(ranked)[:MOST_WORDS]]
    return result


def _says_nothing(word: str) -> bool:
    return len(word) < LEAST_LETTERS or all(char in _EMPTY_WORDS or not char.isalpha() for char in word)


def _counts(found: Iterable[tuple[Mapping[str, Any], Sequence[str]]]) -> list[Count]:
    counts = [Count(what, tuple(ids)) for what, ids in found]
    return sorted(counts, key=lambda each: (-len(each.ticket_ids), [str(value) for value in each.what.values()]))
