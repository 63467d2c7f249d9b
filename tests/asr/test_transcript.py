import json

import pytest

from asr.errors import TranscriptError
from asr.transcript import Transcript, Utterance, Word

HEARD = Transcript(
    call_ref="1700000000.7",
    state="complete",
    model="zhitong-demo-8k",
    utterances=(
        Utterance("agent", 0.1, 0.5, "您好。", 0.98, (Word("您好", 0.1, 0.5, 0.98),)),
        Utterance("citizen", 1.0, 1.4, "喂。", 0.9, (Word("喂", 1.0, 1.4, 0.9),), recording_id="r--8001--1"),
    ),
)


def test_a_transcript_comes_back_from_its_json() -> None:
    assert Transcript.from_json(json.loads(json.dumps(HEARD.to_json()))) == HEARD


def test_the_json_has_the_agreed_shape() -> None:
    shape = HEARD.to_json()
    assert list(shape) == ["call_ref", "state", "model", "utterances"]
    assert list(shape["utterances"][0]) == ["speaker", "start", "end", "text", "confidence", "words"]
    assert shape["utterances"][0]["words"] == [{"text": "您好", "start": 0.1, "end": 0.5, "confidence": 0.98}]
    assert shape["utterances"][1]["recording_id"] == "r--8001--1"


@pytest.mark.parametrize("wrong", [{}, {"utterances": 3}, {"utterances": [{"speaker": "machine"}]}, {"state": "ok"}])
def test_another_shape_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(TranscriptError, match="no transcript"):
        Transcript.from_json({**HEARD.to_json(), **wrong} if wrong else {})
