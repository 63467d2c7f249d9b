from hypothesis import given
from hypothesis import strategies as st

from asr.text.sound import SoundIndex, sounds_like, syllables

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


def test_two_syllables_need_tones_or_a_common_sign() -> None:
    assert sounds_like("受伤", "我在手上") == []
    assert sounds_like("漏电", "楼漏店") == [(1, 3)]
    assert sounds_like("煤气味", "有没气味") == [(1, 4)]
    assert sounds_like("漏电", "漏电") == []


@given(st.text(max_size=30))
def test_any_text_has_one_syllable_a_sign(text: str) -> None:
    assert len(syllables(text)) == len(text)
    SoundIndex(NAMES).find(text)
