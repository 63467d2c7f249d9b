"""Which shifts cover the agents needed. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Slot:
    """One shift on one day: the quarters [begins, ends) that it covers, counted from the first one planned.

    A shift that began before has a negative `begins`.
    """

    begins: int
    ends: int


class Uncovered(Exception):
    """No shift covers a quarter in which agents are needed."""

    error_id = "staffing.uncovered"

    def __init__(self, quarter: int) -> None:
        super().__init__(f"No shift of config/staffing.toml covers the quarter-hour {quarter} of the period: add one.")
        self.quarter = quarter


def cover(needed: Sequence[int], slots: Sequence[Slot]) -> list[int]:
    """Return how many people each slot takes so that every quarter has those needed, with the fewest people in all.

    From the first quarter on, whoever is lacking takes the shift that covers it and ends last. This is the optimum:
    any cover can be changed into this one, shift for shift, without losing a quarter (intervals have consecutive ones:
    Fulkerson and Gross 1965, "Incidence matrices and interval graphs"). Raises Uncovered.
    """
    people = [0] * len(slots)
    present = [0] * len(needed)
    for quarter, wanted in enumerate(needed):
        lacking = wanted - present[quarter]
        if lacking <= 0:
            continue
        covering = [index for index, slot in enumerate(slots) if slot.begins <= quarter < slot.ends]
        if not covering:
            raise Uncovered(quarter)
        best = max(covering, key=lambda index: slots[index].ends)
        people[best] += lacking
        for covered in range(max(0, slots[best].begins), min(len(needed), slots[best].ends)):
            present[covered] += lacking
    return people
