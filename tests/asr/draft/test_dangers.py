"""Dangers in free wording (dangers.toml), written by somebody who had read neither the rules nor the examples.

Rules and examples were tuned on the sentences whose index modulo 5 is below 3; the others are only counted. Whoever
reads those to change something spoils the measure: have new ones written then.
"""

import tomllib
from pathlib import Path

import pytest

from asr.draft import Gazetteer, Taxonomy, draft
from asr.transcript import Transcript, Utterance

DANGERS: dict[str, list[str]] = tomllib.loads((Path(__file__).parent / "dangers.toml").read_text(encoding="utf-8"))
TUNED_ON, OF_EVERY = 3, 5


def called_urgent(texts: list[str], taxonomy: Taxonomy, gazetteer: Gazetteer) -> int:
    said = [Transcript("call", "complete", "m", (Utterance("citizen", 0.0, 5.0, text, 0.98),)) for text in texts]
    return sum(draft(each, taxonomy, gazetteer).urgency.value == "urgent" for each in said)


@pytest.mark.parametrize(("tuned_on", "missed", "alarmed"), [(True, 2, 1), (False, 4, 7)])
def test_as_many_dangers_are_found_as_were_and_no_more_false_alarms_raised(
    tuned_on: bool, missed: int, alarmed: int, taxonomy: Taxonomy, gazetteer: Gazetteer
) -> None:
    urgent, normal = (
        [text for at, text in enumerate(DANGERS[kind]) if (at % OF_EVERY < TUNED_ON) == tuned_on]
        for kind in ("urgent", "normal")
    )
    assert len(urgent) - called_urgent(urgent, taxonomy, gazetteer) <= missed
    assert called_urgent(normal, taxonomy, gazetteer) <= alarmed


def test_the_examples_of_dangers_hold_no_sentence_that_measures(taxonomy: Taxonomy) -> None:
    learned = {*taxonomy.examples.urgent, *taxonomy.examples.normal}
    assert len(learned & {*DANGERS["urgent"], *DANGERS["normal"]}) == 0
