import pytest

from api.console import words


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
