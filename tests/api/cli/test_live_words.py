from api.cli.status import live_words
from api.live.repository import LiveFigures


def test_the_status_says_what_is_transcribed_live_and_what_is_too_much() -> None:
    assert live_words(LiveFigures(0, 0.0, 7, 0)) == "通话中转写 live: 0"
    assert live_words(LiveFigures(12, 0.44, 7, 3)) == "通话中转写 live: 12, 0.4 s; 通话后转写 deferred: 3"
