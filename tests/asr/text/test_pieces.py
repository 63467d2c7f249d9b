from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from asr.text import Piece, pieces, show
from asr.transcript import Word


def said(*words: str | tuple[str, float]) -> list[Word]:
    pairs = [(word, 0.99) if isinstance(word, str) else word for word in words]
    return [Word(text, float(at), at + 0.5, sure) for at, (text, sure) in enumerate(pairs)]


def cut(words: Sequence[Word], names: Sequence[str] = ()) -> list[tuple[str, float | None, float | None, bool]]:
    return [(each.text, each.start, each.end, each.doubtful) for each in pieces(show(words, names).text, words)]


def test_each_word_has_its_seconds_and_the_punctuation_behind_it() -> None:
    assert cut(said("有", ("工棚", 0.71), "倾斜", "了")) == [
        ("有，", 0.0, 0.5, False),
        ("工棚，", 1.0, 1.5, True),
        ("倾斜，", 2.0, 2.5, False),
        ("了。", 3.0, 3.5, False),
    ]


def test_each_digit_of_a_telephone_number_is_a_piece_of_its_own() -> None:
    words = [
        Word(sign, at / 2, at / 2 + 0.5, 0.5 if at == 3 else 0.99) for at, sign in enumerate("一三八零零一二三四五六")
    ]
    found = pieces(show(words).text, words)
    assert [each.text for each in found] == [*"1380012345", "6。"]
    assert [each.start for each in found] == [at / 2 for at in range(11)]
    assert [each.text for each in found if each.doubtful] == ["0"]


def test_words_that_became_one_number_share_their_seconds_and_their_doubt() -> None:
    words = [Word("二十", 1.0, 1.2, 0.99), Word("五", 1.2, 1.5, 0.6), Word("号", 1.5, 1.8, 0.99)]
    assert cut(words) == [("25", 1.0, 1.5, True), ("号。", 1.5, 1.8, False)]


def test_a_text_shown_with_names_that_are_not_known_here_keeps_its_links() -> None:
    words = [Word("在", 0.0, 0.2, 0.99), Word("五一路三号", 0.2, 1.0, 0.99), Word("门口", 1.0, 1.5, 0.5)]
    text = show(words, ["五一路三号"]).text
    assert text != show(words).text
    found = pieces(text, words)
    assert "".join(each.text for each in found) == text
    assert found[-1] == Piece("门口。", 1.0, 1.5, 0.5)
    assert [each.text for each in found if each.start == 0.2] == ["五一路三号"]


def test_text_without_words_is_one_piece() -> None:
    assert pieces("你好。", []) == (Piece("你好。"),)
    assert pieces("", []) == ()


SPOKEN = st.lists(st.tuples(st.one_of(st.text(max_size=3), st.sampled_from("一二三十百号点楼路你")), st.floats(0, 1)))


@given(SPOKEN, st.lists(st.sampled_from(["一路", "三号", "十点"]), max_size=2))
def test_the_pieces_joined_are_the_text_and_every_word_is_in_one(
    spoken: list[tuple[str, float]], names: list[str]
) -> None:
    words = said(*spoken)
    shown = show(words, names)
    found = pieces(shown.text, words)
    assert "".join(each.text for each in found) == shown.text
    assert all(each.text for each in found)
    starts = [each.start for each in found if each.start is not None]
    assert starts == sorted(starts)
    for at in {link[0] for link in show(words).links if link}:
        assert any(
            each.start is not None and each.end is not None and each.start <= words[at].start < each.end
            for each in found
        )


@given(st.text(), SPOKEN)
def test_any_text_is_cut_without_loss(text: str, spoken: list[tuple[str, float]]) -> None:
    assert "".join(each.text for each in pieces(text, said(*spoken))) == text
