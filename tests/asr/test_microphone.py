"""PyAudio, PortAudio and ALSA are real; the sound card is ALSA's `file` device over its `null` device."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from asr.audio import Samples, probe, read_samples, resample
from asr.dictation import Dictation
from asr.microphone import RATE, Device, NoSuchDevice, choose
from asr.model import SpeechModel, locate
from asr.spool import SpooledRecording, recover, waiting
from asr.synthesis import Espeak, synthesise

ROOT = Path(__file__).parents[2]
TOOLS = Path(os.environ.get("ZHITONG_TOOLS", ROOT / ".tools"))
SAID = "我要反映富华南路路灯不亮"
CHILD = """
import json, sys
from pathlib import Path
from asr.dictation import Dictation
from asr.microphone import Audio, RATE
from asr.model import open_model
with Audio(Path(sys.argv[1])) as audio:
    found = [each.name for each in audio.devices()]
    capture = audio.capture(audio.choose("{device}"))
    dictation, taken = Dictation(open_model(Path(sys.argv[2])), RATE), 0
    for chunk in capture:
        taken += len(chunk)
        dictation.feed(chunk[:, 0])
        if taken >= RATE * float(sys.argv[3]):
            break
    dictation.finish()
print(json.dumps({{"devices": found, "frames": taken, "text": "".join(u.text for u in dictation.utterances)}}))
"""


@pytest.fixture(scope="module")
def speech(espeak: Espeak) -> Samples:
    quiet = np.zeros(RATE, np.int16)
    return np.concatenate([quiet, synthesise(SAID, "f4", 175, espeak), quiet, quiet])


def sound_card(folder: Path, samples: Samples, rate: int) -> dict[str, str]:
    """A machine whose only microphone says `samples`, at `rate` Hz and no other."""
    (folder / "speech.raw").write_bytes(samples.astype("<i2").tobytes())
    (folder / "asound.conf").write_text(
        'pcm.desk_mic { type file file "/dev/null" format "raw" '
        f'infile "{folder}/speech.raw" slave.pcm "still" hint {{ show on description "desk" }} }}\n'
        "pcm.still { type null }\n"
        f"pcm.!default {{ type hw card 0 }}\n# {rate}\n"
    )
    return {**os.environ, "ALSA_CONFIG_PATH": str(folder / "asound.conf"), "PYTHONPATH": str(ROOT)}


def test_what_is_spoken_into_a_microphone_is_understood(
    speech: Samples,
    speech_model: SpeechModel,
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHILD.format(device="desk_mic"), TOOLS, speech_model.path, str(len(speech) / RATE)],
        env=sound_card(tmp_path, speech, RATE),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    heard = json.loads(done.stdout)
    assert "desk_mic" in heard["devices"]
    assert heard["frames"] >= len(speech)
    assert re.sub(r"\W", "", heard["text"]) == SAID
    assert done.stderr == "", "what ALSA and JACK say does not reach the terminal"


def test_without_a_sound_card_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "asound.conf").write_text("pcm.!default { type hw card 0 }\n")
    code = "from pathlib import Path; from asr.microphone import Audio\nimport sys\n"
    code += "with Audio(Path(sys.argv[1])) as audio: audio.choose()"
    done = subprocess.run(
        [sys.executable, "-c", code, TOOLS],
        env={**os.environ, "ALSA_CONFIG_PATH": str(tmp_path / "asound.conf"), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "NoSuchDevice: 没有麦克风" in done.stderr


def test_a_model_of_another_rate_gets_the_sound_at_its_own(
    speech: Samples,
    speech_model: SpeechModel,
) -> None:
    dictation = Dictation(speech_model, 16_000)
    wide = resample(speech, RATE, 16_000)
    for at in range(0, len(wide), 1600):
        dictation.feed(wide[at : at + 1600])
    dictation.finish()
    transcript = dictation.transcript("walkin-1")
    assert re.sub(r"\W", "", "".join(each.text for each in transcript.utterances)) == SAID
    assert transcript.utterances[-1].end < len(speech) / RATE


def test_a_device_is_chosen_by_number_or_name() -> None:
    mics = [Device(2, "HDA Intel", 2, 48_000, default=False), Device(5, "USB 话筒", 1, 44_100, default=True)]
    assert choose(mics, None).index == 5
    assert choose(mics, "2").index == 2
    assert choose(mics, "话筒").index == 5
    for wanted, why in (("bluetooth", "There are 2: HDA Intel; 5: USB"), ("", "no device"), ("i", "HDA")):
        if wanted == "i":
            assert choose(mics, wanted).index == 2
            continue
        with pytest.raises(NoSuchDevice, match=why):
            choose(mics, wanted)
    with pytest.raises(NoSuchDevice, match="plug a microphone in"):
        choose([], None)


def test_a_recording_is_whole_when_it_is_closed(tmp_path: Path) -> None:
    samples = np.arange(RATE * 2, dtype=np.int16).reshape(-1, 2)
    with SpooledRecording(tmp_path, "walkin-1--8001--1", 2, RATE) as out:
        out.write(samples)
        assert waiting(tmp_path) == []
        assert recover(tmp_path) == [], "what is being recorded is left alone"
    assert waiting(tmp_path) == [out.path]
    kept, info = read_samples(out.path)
    assert (info.rate, info.torn) == (RATE, False)
    assert np.array_equal(kept, samples)


def test_a_recording_without_sound_leaves_nothing(tmp_path: Path) -> None:
    with SpooledRecording(tmp_path, "walkin-1--8001--1", 1, RATE):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_killed_recorder_loses_at_most_a_second(tmp_path: Path) -> None:
    code = (
        "import numpy as np, sys, time\nfrom pathlib import Path\nfrom asr.spool import SpooledRecording\n"
        "out = SpooledRecording(Path(sys.argv[1]), 'walkin-1--8001--1', 1, 8000)\n"
        "for n in range(1, 10**6):\n"
        "    out.write(np.full((800, 1), n, np.int16)); print(n, flush=True); time.sleep(0.01)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, tmp_path],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as child:
        assert child.stdout is not None
        while int(child.stdout.readline()) < 20:
            time.sleep(0)
        child.send_signal(signal.SIGKILL)
        said = [int(line) for line in child.stdout.read().split()]
    with (tmp_path / "walkin-1--8001--1.wav.part").open("ab") as file:
        file.write(b"\1")  # half a sample
    assert [path.name for path in recover(tmp_path)] == ["walkin-1--8001--1.wav"]
    info = probe(tmp_path / "walkin-1--8001--1.wav")
    assert not info.torn
    assert info.frames >= 800 * max(said, default=20) - RATE
    assert recover(tmp_path) == []


def test_a_model_that_wants_16_khz_is_never_fed_8_khz(
    speech: Samples, speech_model: SpeechModel, tmp_path: Path
) -> None:
    shutil.copytree(speech_model.path, tmp_path / "vosk-model-cn-0.22")
    conf = tmp_path / "vosk-model-cn-0.22/conf/mfcc.conf"
    # The bands stay where the model learned them, so that it understands sound that has its rate, and no other.
    conf.write_text(conf.read_text().replace("=8000", "=16000").replace("high-freq=-200", "high-freq=3800"))
    for name in ("vosk-model-cn-0.22", "cn", str(tmp_path / "vosk-model-cn-0.22")):
        assert locate(tmp_path, name).sample_rate == 16_000
    dictation = Dictation(locate(tmp_path, "cn"), RATE)
    dictation.feed(speech)
    dictation.finish()
    assert re.sub(r"\W", "", "".join(each.text for each in dictation.utterances)) == SAID
    assert dictation.utterances[-1].end < len(speech) / RATE, "sound at half its speed would end later"
