from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.console import words
from api.console.words import Piece, spoken_pieces


def _word(text: str, start: float, confidence: float = 0.99) -> dict[str, Any]:
    return {"text": text, "start": start, "confidence": confidence}


def test_each_word_has_its_second_and_the_punctuation_behind_it() -> None:
    pieces = spoken_pieces("有一个工棚倾斜了。", [_word("有", 1.0), _word("工棚", 2.0, 0.71), _word("倾斜", 3.0)])
    assert pieces == [Piece("有一个", 1.0, 0.99), Piece("工棚", 2.0, 0.71), Piece("倾斜了。", 3.0, 0.99)]
    assert [piece.doubtful for piece in pieces] == [False, True, False]


def test_words_that_became_digits_keep_their_second_and_their_doubt() -> None:
    words = [_word("电话", 1.0), _word("一三八", 2.0, 0.5), _word("零零", 2.5), _word("谢谢", 4.0, 0.6)]
    assert spoken_pieces("电话13800，谢谢", words) == [
        Piece("电话", 1.0, 0.99),
        Piece("13800，", 2.0, 0.5),
        Piece("谢谢", 4.0, 0.6),
    ]


def test_text_without_words_is_one_piece() -> None:
    assert spoken_pieces("你好。", []) == [Piece("你好。")]
    assert spoken_pieces("", []) == []


@given(st.text(), st.lists(st.tuples(st.text(max_size=3), st.floats(0, 1))))
def test_the_pieces_joined_are_the_text(text: str, spoken: list[tuple[str, float]]) -> None:
    pieces = spoken_pieces(text, [_word(token, 0.0, confidence) for token, confidence in spoken])
    assert "".join(piece.text for piece in pieces) == text
    assert all(piece.text for piece in pieces)


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "–"), (0.0, "0.0″"), (7.34, "7.3″"), (247.4, "4:07"), (3723.0, "1:02:03")]
)
def test_durations(value: float | None, shown: str) -> None:
    assert words.seconds(value) == shown


def test_places_in_a_recording() -> None:
    assert [words.position(value) for value in (0.0, 7.34, 59.96, 754.0)] == ["0:00.0", "0:07.3", "1:00.0", "12:34.0"]


def test_a_caller_that_is_no_number_fits_a_line_all_the_same() -> None:
    assert words.caller(None) == "未知号码"
    assert len(words.caller("<" * 4000)) == 40
