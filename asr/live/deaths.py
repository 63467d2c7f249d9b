"""Whose fault was a decoding process' death? Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

DEATHS = 3
"""So many deaths at the same place of a recording, and it is given up."""


@dataclass(frozen=True, slots=True)
class Record:
    """How often a process died over a recording that had come as far as `at_seconds` (its tracks' sum)."""

    deaths: int = 0
    at_seconds: float = -1.0


def suspects(working_on: int, opened: Collection[int]) -> frozenset[int]:
    """Return which of the opened recordings a death counts against: the one at work, else all."""
    return frozenset((working_on,)) if working_on in opened else frozenset(opened)


def after_death(record: Record, heard_seconds: float) -> Record:
    """Count a death; one after progress is the first again."""
    if heard_seconds > record.at_seconds:
        return Record(1, heard_seconds)
    return Record(record.deaths + 1, record.at_seconds)


def hopeless(records: Mapping[int, Record]) -> frozenset[int]:
    """Return the recordings to be given up."""
    return frozenset(number for number, record in records.items() if record.deaths >= DEATHS)
