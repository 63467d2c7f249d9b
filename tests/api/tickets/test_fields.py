"""What a field may hold, and what a redraft leaves alone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.tickets.fields import LONGEST, NAMES, FieldError, blank, checked, decided, linked, machine_side, merged
from asr.transcript import Utterance

MATTERS, UNITS = ("lighting", "noise"), ("城管委", "水务局")
VALUES = st.one_of(st.none(), st.sampled_from(["a", "b", "c"]))


def _check(name: str, value: str | None) -> str | None:
    return checked(name, value, MATTERS, UNITS)


def _field(value: str | None, *evidence: dict[str, Any]) -> dict[str, Any]:
    return {**blank(), "value": value, "confidence": 0.8, "evidence": list(evidence)}


def _evidence(utterance: int, start: float, text: str, recording: str | None = "R1") -> dict[str, Any]:
    return {"utterance": utterance, "start": start, "end": start + 1, "text": text, "recording_id": recording}


@pytest.mark.parametrize(
    ("said", "stored"),
    [
        ("13800123456", "13800123456"),
        ("138 0012 3456", "13800123456"),
        ("１３８００１２３４５６", "13800123456"),
        ("+86-138-0012-3456", "13800123456"),
        ("+86 28 85551234", "02885551234"),
        ("028-85551234", "02885551234"),
        ("(028) 8555-1234", "02885551234"),
        ("028-85551234-801", "02885551234-801"),
        ("85551234", "85551234"),
        ("400-123-4567", "4001234567"),
        ("+4915112345678", "+4915112345678"),
        ("  ", None),
        (None, None),
    ],
)
def test_a_telephone_number_is_stored_as_digits(said: str | None, stored: str | None) -> None:
    assert _check("contact_phone", said) == stored


@pytest.mark.parametrize(
    "said", ["1380012345", "12800123456", "138001234567", "没有", "1380012345六", "+0123456", "12"]
)
def test_what_is_no_telephone_number_is_refused_with_what_to_do(said: str) -> None:
    with pytest.raises(FieldError, match="手机11位"):
        _check("contact_phone", said)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("category", "lightning", "choose one of config/taxonomy.toml"),
        ("unit", "城管", "城管委, 水务局"),
        ("urgency", "very", "urgent or normal"),
        ("complexity", "easy", "simple or complex"),
        ("place", "路" * 201, "at most 200"),
    ],
)
def test_a_value_that_a_field_cannot_hold_is_refused_with_what_to_do(name: str, value: str, says: str) -> None:
    with pytest.raises(FieldError, match=says):
        _check(name, value)


@given(st.sampled_from(NAMES), st.text(max_size=60))
def test_whatever_is_typed_is_stored_on_one_short_line_or_refused(name: str, typed: str) -> None:
    try:
        stored = _check(name, typed)
    except FieldError:
        return
    assert stored is None or (0 < len(stored) <= LONGEST[name] and stored.strip() == stored)
    assert not set(stored or "") & set("\0\n\r\u2028\u202e\ud800")
    assert _check(name, stored) == stored


def test_a_decided_field_keeps_its_value_and_learns_what_the_machine_suggests_now() -> None:
    stored = {"place": decided(_field("富华南路", _evidence(1, 5.0, "富华南路")), "富华北路"), "unit": _field("城管委")}
    again = merged(stored, {"place": _field("富华南路15号"), "unit": _field("水务局")})
    assert (again["place"]["value"], again["place"]["confirmed"], again["place"]["evidence"]) == ("富华北路", True, [])
    assert again["place"]["machine"]["value"] == "富华南路15号"
    assert again["unit"] == _field("水务局")


@given(VALUES, VALUES, st.lists(VALUES, max_size=5))
def test_no_number_of_redrafts_changes_what_a_human_decided(
    first: str | None, agents: str | None, later: list[str | None]
) -> None:
    fields = {"place": decided(_field(first), agents)}
    for value in later:
        fields = merged(fields, {"place": _field(value)})
    assert fields["place"]["value"] == agents
    assert fields["place"]["confirmed"] is True
    assert machine_side(fields["place"])["value"] == [first, *later][-1]


def _said(speaker: Any, start: float, text: str, recording: str = "R1") -> Utterance:
    return Utterance(speaker, start, start + 3, text, 0.9, (), recording)


def test_evidence_follows_its_utterance_when_the_transcript_is_sorted_anew() -> None:
    later = [
        _said("citizen", 1.0, "你好"),
        _said("agent", 5.0, "富华南路吗"),
        _said("citizen", 5.2, "富华北路"),
        _said("citizen", 5.2, "富华北路", "R2"),
    ]
    field = _field(
        "x", _evidence(0, 5.3, "富华北路"), _evidence(1, 5.3, "富华北路", "R2"), _evidence(2, 99.0, "没有了")
    )
    found = linked(decided(field, "x"), later)
    assert [(each["utterance"], each["recording_id"]) for each in found["evidence"]] == [(2, "R1"), (3, "R2")]
    assert found["machine"]["evidence"] == found["evidence"]


@given(st.permutations([_said("citizen", 0.0, "一"), _said("agent", 1.0, "二"), _said("citizen", 9.0, "三")]))
def test_evidence_points_to_its_words_in_any_order(order: list[Utterance]) -> None:
    evidence = [_evidence(0, each.start, each.text) for each in order]
    found = linked(_field("x", *evidence), order)["evidence"]
    assert [order[each["utterance"]].text for each in found] == [each["text"] for each in evidence]
