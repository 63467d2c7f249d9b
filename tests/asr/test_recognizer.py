import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from asr.audio import TrackSource, resample
from asr.draft import Gazetteer, Taxonomy, draft
from asr.errors import AsrError, AudioEmpty, AudioMissing, DecoderDied, ModelBroken, NotWav
from asr.model import SpeechModel
from asr.recognizer import Decoder, transcribe_file, transcribe_tracks
from asr.synthesis import Espeak, render_track
from tests.asr.conftest import SaveWav

AGENT = [
    (0.3, "您好，请问有什么可以帮您？"),
    (11.5, "请问具体位置在哪里？"),
    (16.5, "请问您的联系电话？"),
    (24.0, "您贵姓？"),
    (28.0, "好的，马上转给住建局处理，谢谢。"),
]
CITIZEN = [
    (3.5, "你好，我要反映富华南路变压器旁边有一个板房倾斜，很危险。"),
    (14.0, "就在十五号门口。"),
    (19.0, "一三八零零一二三四五六"),
    (26.0, "我姓王。"),
]
STARTS = {"agent": [at for at, _ in AGENT], "citizen": [at for at, _ in CITIZEN]}


class Dialogue(NamedTuple):
    agent: npt.NDArray[np.int16]
    citizen: npt.NDArray[np.int16]

    def stereo(self) -> npt.NDArray[np.int16]:
        length = max(len(self.agent), len(self.citizen))
        return np.stack([np.pad(each, (0, length - len(each))) for each in self], axis=1)


@pytest.fixture(scope="module")
def dialogue(espeak: Espeak) -> Dialogue:
    """The demo's first call, in two voices that the model never heard."""
    return Dialogue(render_track(AGENT, "Mike", espeak), render_track(CITIZEN, "f4", espeak))


@pytest.fixture(scope="module")
def decoder(speech_model: SpeechModel) -> Decoder:
    return Decoder(speech_model)


@pytest.fixture(autouse=True, scope="module")
def _close(decoder: Decoder) -> object:
    yield
    decoder.close()


def citizen(path: Path) -> list[TrackSource]:
    return [TrackSource("citizen", path)]


def test_a_call_on_two_tracks_becomes_a_transcript_and_a_draft(
    speech_model: SpeechModel, dialogue: Dialogue, save_wav: SaveWav, taxonomy: Taxonomy, gazetteer: Gazetteer
) -> None:
    agent, heard = save_wav("agent.wav", dialogue.agent), save_wav("citizen.wav", dialogue.citizen)
    transcript = transcribe_tracks({"agent": agent, "citizen": heard}, speech_model, "call-7", gazetteer.names)

    assert (transcript.call_ref, transcript.state, transcript.model) == ("call-7", "complete", speech_model.name)
    starts = [utterance.start for utterance in transcript.utterances]
    assert starts == sorted(starts)
    for speaker, expected in STARTS.items():
        real = [each.start for each in transcript.utterances if each.speaker == speaker]
        assert len(real) == len(expected)
        assert np.abs(np.array(real) - expected).max() < 0.4
    for utterance in transcript.utterances:
        assert (utterance.start, utterance.end) == (utterance.words[0].start, utterance.words[-1].end)
        assert all(word.start < word.end and 0 <= word.confidence <= 1 for word in utterance.words)

    fields = {name: field["value"] for name, field in draft(transcript, taxonomy, gazetteer).to_json().items()}
    assert fields["category"] == "building-safety.collapse"
    assert fields["urgency"] == "urgent"
    assert fields["contact_phone"] == "13800123456"
    assert "富华南路" in str(fields["place"])
    assert fields["contact_name"] == "王"
    assert "板房倾斜" in str(fields["summary"])


def test_a_stereo_file_gives_what_two_files_give(
    speech_model: SpeechModel, decoder: Decoder, dialogue: Dialogue, save_wav: SaveWav
) -> None:
    both = save_wav("both.wav", dialogue.stereo())
    swapped = save_wav("swapped.wav", dialogue.stereo()[:, ::-1])
    one = transcribe_file(both, speech_model, "c")
    assert {each.speaker for each in one.utterances} == {"agent", "citizen"}
    assert transcribe_file(swapped, speech_model, "c", left="citizen") == one
    parts = [
        TrackSource("agent", save_wav("a.wav", dialogue.agent)),
        TrackSource("citizen", save_wav("c.wav", dialogue.citizen)),
    ]
    two = decoder.transcribe(parts, "c")
    assert [each.text for each in two.utterances] == [each.text for each in one.utterances]


def test_the_same_recording_gives_the_same_words_each_time(
    decoder: Decoder, dialogue: Dialogue, save_wav: SaveWav
) -> None:
    sources = citizen(save_wav("c.wav", dialogue.citizen))
    first = decoder.transcribe(sources, "c", recording_id="r-1")
    pid = decoder.pid
    assert decoder.transcribe(sources, "c", recording_id="r-1") == first
    assert decoder.pid == pid
    assert {each.recording_id for each in first.utterances} == {"r-1"}


def test_another_rate_is_resampled_to_the_models(decoder: Decoder, dialogue: Dialogue, tmp_path: Path) -> None:
    import wave  # noqa: PLC0415 - only here

    with wave.open(str(tmp_path / "wide.wav"), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(44_100)
        out.writeframes(resample(dialogue.citizen, 8000, 44_100).tobytes())
    text = "".join(each.text for each in decoder.transcribe(citizen(tmp_path / "wide.wav"), "c").utterances)
    assert "板房倾斜" in text
    assert "13800123456" in text


@pytest.mark.parametrize("kind", ["silence", "noise", "tone", "nothing", "one sample"])
def test_where_nobody_speaks_no_words_are_made_up(decoder: Decoder, save_wav: SaveWav, kind: str) -> None:
    seconds = np.arange(8000 * 8) / 8000
    samples = {
        "silence": np.zeros(8000 * 8),
        "noise": np.random.default_rng(7).normal(0, 600, 8000 * 8),
        "tone": 6000 * np.sin(2 * np.pi * 425 * seconds),
        "nothing": np.zeros(0),
        "one sample": np.zeros(1),
    }[kind]
    transcript = decoder.transcribe(citizen(save_wav("x.wav", samples.astype(np.int16))), "c")
    assert transcript.utterances == ()
    assert transcript.state == "complete"


def test_a_torn_recording_is_transcribed_as_far_as_it_goes(
    decoder: Decoder, dialogue: Dialogue, save_wav: SaveWav
) -> None:
    path = save_wav("c.wav", dialogue.citizen)
    whole = decoder.transcribe(citizen(path), "c")
    path.write_bytes(path.read_bytes()[: 44 + 2 * 8000 * 17])
    torn = decoder.transcribe(citizen(path), "c")
    assert (whole.state, torn.state) == ("complete", "partial")
    assert [each.text for each in torn.utterances] == [each.text for each in whole.utterances[:2]]


def test_a_growing_recording_is_transcribed_as_far_as_it_is_written(
    decoder: Decoder, dialogue: Dialogue, save_wav: SaveWav
) -> None:
    path = save_wav("c.wav", dialogue.citizen)
    whole = bytearray(path.read_bytes())
    whole[4:8] = whole[40:44] = bytes(4)  # Asterisk fills in both sizes only when it closes the file
    path.write_bytes(whole[: 44 + 2 * 8000 * 12])
    early = decoder.transcribe(citizen(path), "c")
    path.write_bytes(whole)
    late = decoder.transcribe(citizen(path), "c")
    assert (early.state, late.state) == ("partial", "partial")
    assert 0 < len(early.utterances) < len(late.utterances)


@pytest.mark.parametrize(
    ("content", "error"),
    [(b"", AudioEmpty), (b"OggS" + b"\0" * 50, NotWav), (None, AudioMissing)],
)
def test_a_bad_recording_costs_only_itself(
    decoder: Decoder, dialogue: Dialogue, save_wav: SaveWav, content: bytes | None, error: type[AsrError]
) -> None:
    path = save_wav("bad.wav", dialogue.citizen)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(error):
        decoder.transcribe(citizen(path), "c")
    assert decoder.transcribe(citizen(save_wav("good.wav", dialogue.citizen)), "c").utterances


def test_a_killed_decoder_says_so_and_the_next_call_gets_a_new_one(
    decoder: Decoder, dialogue: Dialogue, save_wav: SaveWav
) -> None:
    short = citizen(save_wav("short.wav", dialogue.citizen))
    expected = decoder.transcribe(short, "c")
    long = citizen(save_wav("long.wav", np.tile(dialogue.citizen, 150)))
    pid = decoder.pid
    assert pid is not None
    killer = threading.Timer(1.0, os.kill, (pid, signal.SIGKILL))
    killer.start()
    with pytest.raises(DecoderDied, match="SIGKILL while it decoded"):
        decoder.transcribe(long, "c")
    killer.join()
    assert decoder.transcribe(short, "c") == expected
    assert decoder.pid not in (None, pid)


def test_a_decoder_killed_between_calls_is_replaced(decoder: Decoder, dialogue: Dialogue, save_wav: SaveWav) -> None:
    short = citizen(save_wav("short.wav", dialogue.citizen))
    decoder.transcribe(short, "c")
    assert decoder.pid is not None
    os.kill(decoder.pid, signal.SIGKILL)
    time.sleep(0.2)
    assert decoder.transcribe(short, "c").utterances


def test_closing_ends_a_decoding_that_still_runs(
    speech_model: SpeechModel, dialogue: Dialogue, save_wav: SaveWav
) -> None:
    long = citizen(save_wav("long.wav", np.tile(dialogue.citizen, 150)))
    own = Decoder(speech_model)
    closer = threading.Timer(1.5, own.close)
    closer.start()
    with pytest.raises(DecoderDied):
        own.transcribe(long, "c")
    closer.join()
    assert own.pid is None


def test_a_decoder_that_hangs_is_ended(
    speech_model: SpeechModel, dialogue: Dialogue, save_wav: SaveWav, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = citizen(save_wav("short.wav", dialogue.citizen))
    with Decoder(speech_model) as own:
        own.transcribe(short, "c")
        pid = own.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        monkeypatch.setattr("asr.recognizer.DECODE_SECONDS", 0.5)
        monkeypatch.setattr("asr.recognizer.DECODE_SECONDS_A_SECOND", 0.0)
        with pytest.raises(DecoderDied, match="no answer"):
            own.transcribe(short, "c")
        monkeypatch.undo()
        assert own.transcribe(short, "c").utterances


def test_a_model_that_vosk_refuses_is_an_error_not_a_crash(
    speech_model: SpeechModel, dialogue: Dialogue, save_wav: SaveWav, tmp_path: Path
) -> None:
    shutil.copytree(speech_model.path, tmp_path / "model")
    (tmp_path / "model/graph/words.txt").write_text("not a symbol table\n")
    broken = replace(speech_model, path=tmp_path / "model")
    with Decoder(broken) as own, pytest.raises((ModelBroken, DecoderDied)):
        own.transcribe(citizen(save_wav("short.wav", dialogue.citizen)), "c")


PARENT = """
import sys, time
from pathlib import Path
from asr.audio import TrackSource
from asr.model import open_model
from asr.recognizer import Decoder
decoder = Decoder(open_model(Path(sys.argv[1])))
decoder.transcribe([TrackSource("citizen", Path(sys.argv[2]))], "c")
print(decoder.pid, flush=True)
decoder.transcribe([TrackSource("citizen", Path(sys.argv[3]))], "c")
"""


def test_the_decoder_ends_when_its_parent_is_killed(
    speech_model: SpeechModel, dialogue: Dialogue, save_wav: SaveWav
) -> None:
    short, long = save_wav("short.wav", dialogue.citizen), save_wav("long.wav", np.tile(dialogue.citizen, 300))
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(speech_model.path), str(short), str(long)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.stdout.close()
    time.sleep(0.3)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 5
    while Path(f"/proc/{child}/cmdline").exists() and Path(f"/proc/{child}/cmdline").read_bytes():
        assert time.monotonic() < deadline, "the decoder outlived its parent"
        time.sleep(0.05)
