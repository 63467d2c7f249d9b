from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.console import words
from api.console.words import Piece, doubtful_pieces


def _word(text: str, confidence: float) -> dict[str, Any]:
    return {"text": text, "confidence": confidence}


def test_doubtful_words_stand_alone() -> None:
    pieces = doubtful_pieces("有一个工棚倾斜了。", [_word("有", 0.99), _word("工棚", 0.71), _word("倾斜", 0.98)])
    assert pieces == [Piece("有一个"), Piece("工棚", 0.71), Piece("倾斜了。")]


def test_words_that_became_digits_are_passed_over() -> None:
    pieces = doubtful_pieces("电话138，谢谢", [_word("电话", 0.99), _word("一三八", 0.5), _word("谢谢", 0.6)])
    assert pieces == [Piece("电话138，"), Piece("谢谢", 0.6)]


@given(st.text(), st.lists(st.tuples(st.text(max_size=3), st.floats(0, 1))))
def test_the_pieces_joined_are_the_text(text: str, spoken: list[tuple[str, float]]) -> None:
    pieces = doubtful_pieces(text, [_word(token, confidence) for token, confidence in spoken])
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
