from hypothesis import given
from hypothesis import strategies as st

from asr.text.finding import Finder
from asr.text.sound import SoundIndex, syllables

NAMES = ["富华南路", "富华北路", "天府大道", "紫荆小区", "玉林街道", "万科城"]


def test_a_homophone_is_the_name() -> None:
    best = SoundIndex(NAMES).find("我在福花南路门口")[0]
    assert (best.name, best.start, best.end, best.edits) == ("富华南路", 2, 6, 0)


def test_one_missing_or_wrong_syllable_is_found_with_its_cost() -> None:
    assert [(hit.name, hit.edits) for hit in SoundIndex(NAMES).find("住在天府道")] == [("天府大道", 1)]
    assert SoundIndex(NAMES).find("子惊小期")[0].name == "紫荆小区"
    assert {hit.name for hit in SoundIndex(NAMES).find("富华路")} == {"富华南路", "富华北路"}


def test_short_names_must_sound_right() -> None:
    assert SoundIndex(NAMES).find("万科") == []
    assert SoundIndex(NAMES).find("晚可城")[0].name == "万科城"


def by_sound(name: str, text: str) -> list[tuple[int, int]]:
    return [(found.start, found.end) for found in Finder([name], [name]).find(text) if found.by_sound]


def test_two_syllables_need_tones_or_a_common_sign() -> None:
    assert by_sound("受伤", "我在手上") == []
    assert by_sound("漏电", "楼漏店") == [(1, 3)]
    assert by_sound("煤气味", "有没气味") == [(1, 4)]
    assert by_sound("漏电", "漏电") == []


def test_every_occurrence_of_every_name_is_found_in_one_pass() -> None:
    finder = Finder(["路灯", "路灯不亮", "灯", ""], ["路灯"])
    found = [(hit.start, hit.name, hit.by_sound) for hit in finder.find("路灯不亮，陆灯")]
    assert found == [(0, "路灯", False), (1, "灯", False), (0, "路灯不亮", False), (6, "灯", False), (5, "路灯", True)]
    assert Finder([]).find("路灯") == []


@given(st.text(max_size=30), st.lists(st.text(max_size=3), max_size=5))
def test_whatever_is_looked_for_wherever_is_found_where_it_stands(text: str, names: list[str]) -> None:
    written = [hit for hit in Finder(names, names).find(text) if not hit.by_sound]
    assert all(text[hit.start : hit.end] == hit.name for hit in written)
    assert {hit.name for hit in written} == {name for name in names if name and name in text}


@given(st.text(max_size=30))
def test_any_text_has_one_syllable_a_sign(text: str) -> None:
    assert len(syllables(text)) == len(text)
    SoundIndex(NAMES).find(text)
