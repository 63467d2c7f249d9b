"""What corrections teach: every figure has its tickets behind it."""

from hypothesis import given
from hypothesis import strategies as st

from api.speech.report import Decision, Told, place_lacking, report, words_lacking

PHRASES = {"lighting": ("路灯", "灯不亮"), "noise": ("噪音",)}
VALUES = st.sampled_from([None, "a", "b"])
DECISIONS = st.lists(
    st.builds(Decision, st.sampled_from("1234"), st.sampled_from(["category", "unit", "place"]), VALUES, VALUES),
    unique_by=lambda each: (each.ticket_id, each.field),
)


def test_accuracy_is_unchanged_of_decided_and_names_its_tickets() -> None:
    decisions = [
        Decision("1", "category", "noise", "noise"),
        Decision("2", "category", "noise", "lighting"),
        Decision("3", "category", "noise", "lighting"),
        Decision("1", "unit", None, "城管委"),
    ]
    found = report({"category": 5, "unit": 5}, decisions, [("2", "unit")], [], (), PHRASES)
    category = found.fields["category"]
    assert (category.accuracy, category.decided, category.drafts) == (1 / 3, 3, 5)
    assert found.fields["unit"].left_empty == ["2"]
    assert found.confusions[0].to_json() == {
        "field": "category",
        "machine": "noise",
        "agent": "lighting",
        "count": 2,
        "tickets": ["2", "3"],
    }


def test_nothing_decided_has_no_accuracy() -> None:
    found = report({"place": 3}, [], [], [], (), {})
    assert (found.fields["place"].accuracy, found.fields["place"].drafts) == (None, 3)


def test_a_typed_place_is_lacking_without_its_number() -> None:
    places = ("富华南路", "紫荆小区")
    assert place_lacking("富华南路15号", places) is None
    assert place_lacking("新希望路7号附近", places) == "新希望路"
    assert place_lacking("7号", places) == "7号"


def test_words_of_corrected_calls_that_the_phrases_lack() -> None:
    told = [
        Told("1", "lighting", ("灯杆", "路灯", "的", "晚上", "灯杆")),
        Told("2", "lighting", ("灯杆", "不亮", "晚上")),
        Told("3", "noise", ("晚上", "装修")),
        Told("4", "lighting", ("电缆",)),
    ]
    decisions = [Decision(each, "category", "noise", "lighting") for each in "12"]
    found = words_lacking(decisions, told, PHRASES)
    assert [(each.what["word"], each.ticket_ids) for each in found] == [("灯杆", ("1", "2"))]


@given(DECISIONS)
def test_the_tickets_behind_the_figures_are_those_decided(decisions: list[Decision]) -> None:
    found = report({}, decisions, [], [], (), {})
    behind = [(one, name) for name, each in found.fields.items() for one in each.unchanged + each.corrected]
    assert sorted(behind) == sorted((each.ticket_id, each.field) for each in decisions)
    assert sum(len(each.ticket_ids) for each in found.confusions) == sum(
        len(found.fields[name].corrected) for name in ("category", "unit") if name in found.fields
    )
