from api.jobs.live_call import draft_pause_seconds, fresh, grown
from api.transcripts.service import Live
from asr.audio import Speaker
from asr.live import Heard
from asr.transcript import Utterance


def _heard(start: float, end: float, until: float, speaker: Speaker = "citizen") -> Heard:
    return Heard("r", speaker, Utterance(speaker, start, end, "字", 0.9), until)


def test_what_is_told_again_by_a_stream_that_was_opened_again_is_stored_once() -> None:
    told = [_heard(1, 2, 2.6), _heard(3, 4, 4.6)]
    live = grown(Live(), fresh(Live(), told), "small")
    assert fresh(live, told) == []
    again = [told[1], _heard(5, 6, 6.6), _heard(5, 6, 6.6), Heard("r", "citizen", None, 6.6)]
    assert fresh(live, again) == [again[1]]


def test_the_speakers_are_heard_each_for_himself_and_shown_in_order_of_time() -> None:
    live = grown(Live(), [_heard(3, 4, 4.6), _heard(1, 2, 2.6, "agent"), Heard("r", "agent", None, 9.0)], "small")
    assert live.heard_seconds == {"citizen": 4.6, "agent": 9.0}
    assert [each.speaker for each in live.utterances] == ["agent", "citizen"]


def test_a_transcript_that_two_models_made_names_both() -> None:
    live = grown(grown(grown(Live(), [], "small"), [], "big"), [], "small")
    assert live.model == "small, big"


def test_drafts_of_many_long_calls_share_a_quarter_of_a_core() -> None:
    assert draft_pause_seconds(0.005, 1) == 0.02
    assert draft_pause_seconds(0.05, 40) == 8.0
