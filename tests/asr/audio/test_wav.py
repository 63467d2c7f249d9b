import struct
import wave
from pathlib import Path

import numpy as np
import pytest

from asr.audio import Samples, probe, read_mono, read_samples, read_tracks, resample, track_sources
from asr.errors import AsrError, AudioEmpty, AudioMissing, NotWav, UnsupportedWav

TONE: Samples = (8000 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)).astype(np.int16)


def wav(
    data: bytes,
    *,
    tag: int = 1,
    channels: int = 1,
    rate: int = 8000,
    bits: int = 16,
    declared: int | None = None,
    riff: int | None = None,
    extra: bytes = b"",
    before: bytes = b"",
) -> bytes:
    fmt = struct.pack("<HHIIHH", tag, channels, rate, rate * channels * bits // 8, channels * bits // 8, bits) + extra
    declared = len(data) if declared is None else declared
    body = (
        b"WAVE" + before + struct.pack("<4sI", b"fmt ", len(fmt)) + fmt + struct.pack("<4sI", b"data", declared) + data
    )
    return b"RIFF" + struct.pack("<I", len(body) if riff is None else riff) + body


def stored(folder: Path, content: bytes) -> Path:
    path = folder / "call.wav"
    path.write_bytes(content)
    return path


def test_what_the_standard_library_writes_is_read_exactly(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "x.wav"), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(TONE.tobytes())
    samples, rate = read_mono(tmp_path / "x.wav")
    info = probe(tmp_path / "x.wav")
    assert rate == 8000
    assert np.array_equal(samples, TONE)
    assert (info.channels, info.bits, info.frames_declared, info.frames, info.torn) == (1, 16, 8000, 8000, False)
    assert info.seconds == 1.0


def test_a_torn_recording_gives_what_is_there_and_says_so(tmp_path: Path) -> None:
    path = stored(tmp_path, wav(TONE.tobytes(), declared=16_000)[: 44 + 9001])
    info = probe(path)
    assert (info.frames_declared, info.frames, info.torn) == (8000, 4500, True)
    assert np.array_equal(read_mono(path)[0], TONE[:4500])


@pytest.mark.parametrize(("declared", "riff"), [(0, 0), (0xFFFFFFFF, 0xFFFFFFFF), (0, 36)])
def test_a_growing_recording_gives_a_snapshot(tmp_path: Path, declared: int, riff: int) -> None:
    path = stored(tmp_path, wav(TONE[:400].tobytes(), declared=declared, riff=riff))
    first = read_mono(path)[0]
    with path.open("ab") as more:
        more.write(TONE[400:900].tobytes())
    assert len(first) == 400
    assert np.array_equal(read_mono(path)[0], TONE[:900])
    assert probe(path).torn
    assert probe(path).frames_declared is None


def test_a_header_with_no_samples_is_an_empty_recording(tmp_path: Path) -> None:
    path = stored(tmp_path, wav(b""))
    assert read_mono(path)[0].shape == (0,)
    assert not probe(path).torn


def test_a_recording_cut_right_after_its_format_is_torn_and_empty(tmp_path: Path) -> None:
    path = stored(tmp_path, wav(b"")[:38])
    assert probe(path).torn
    assert len(read_mono(path)[0]) == 0


def test_stereo_is_told_apart_and_averaged(tmp_path: Path) -> None:
    both = np.stack([TONE, TONE // 2], axis=1)
    path = stored(tmp_path, wav(both.tobytes(), channels=2))
    agent, citizen = read_tracks([path])
    assert (agent.speaker, citizen.speaker) == ("agent", "citizen")
    assert np.array_equal(agent.samples, TONE)
    assert np.array_equal(citizen.samples, TONE // 2)
    assert [source.speaker for source in track_sources([path], left="citizen")] == ["citizen", "agent"]
    assert np.abs(read_mono(path)[0] - TONE * 0.75).max() <= 1


def test_two_files_are_the_agent_and_the_citizen(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(wav(TONE.tobytes()))
    (tmp_path / "c.wav").write_bytes(wav(TONE[:80].tobytes(), rate=16_000))
    agent, citizen = read_tracks([tmp_path / "a.wav", tmp_path / "c.wav"])
    assert (agent.speaker, agent.rate, len(agent.samples)) == ("agent", 8000, 8000)
    assert (citizen.speaker, citizen.rate, len(citizen.samples)) == ("citizen", 16_000, 80)


def test_a_mono_file_is_the_citizens(tmp_path: Path) -> None:
    path = stored(tmp_path, wav(TONE.tobytes()))
    assert [track.speaker for track in read_tracks([path])] == ["citizen"]


def test_three_files_are_no_call(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not 3"):
        track_sources([tmp_path] * 3)


def pcm24(samples: Samples) -> bytes:
    wide = (samples.astype(np.int32) << 8).astype("<i4").tobytes()
    return b"".join(wide[at : at + 3] for at in range(0, len(wide), 4))


CODINGS = {
    "8-bit": (wav(((TONE.astype(np.int32) >> 8) + 128).astype(np.uint8).tobytes(), bits=8), 256),
    "24-bit": (wav(pcm24(TONE), bits=24), 0),
    "32-bit": (wav((TONE.astype(np.int32) << 16).tobytes(), bits=32), 0),
    "float": (wav((TONE / np.float32(32767)).astype("<f4").tobytes(), tag=3, bits=32), 1),
    "double": (wav((TONE / 32767).astype("<f8").tobytes(), tag=3, bits=64), 1),
    "extensible 24-bit": (
        wav(pcm24(TONE), tag=0xFFFE, bits=24, extra=struct.pack("<HHIH", 22, 24, 4, 1) + b"\0" * 14),
        0,
    ),
    "with another chunk of odd size before": (wav(TONE.tobytes(), before=b"LIST\x05\0\0\0INFOx\0"), 0),
}


@pytest.mark.parametrize("coding", CODINGS)
def test_each_coding_is_converted(tmp_path: Path, coding: str) -> None:
    content, tolerance = CODINGS[coding]
    samples, _ = read_mono(stored(tmp_path, content))
    assert len(samples) == len(TONE)
    assert np.abs(samples.astype(int) - TONE).max() <= tolerance


# Values of ITU-T G.711's decoders, scaled to 16 bits.
@pytest.mark.parametrize(
    ("tag", "codes", "values"),
    [
        (6, b"\xd5\x55\xaa\x2a\x80\x00\xc5", [8, -8, 32256, -32256, 5504, -5504, 264]),
        (7, b"\xff\x7f\x80\x00\xe7\x67\xf0", [0, 0, 32124, -32124, 260, -260, 120]),
    ],
)
def test_telephone_codings_are_converted(tmp_path: Path, tag: int, codes: bytes, values: list[int]) -> None:
    samples, _ = read_mono(stored(tmp_path, wav(codes, tag=tag, bits=8)))
    assert samples.tolist() == values


def test_broken_floats_become_silence_or_full_scale(tmp_path: Path) -> None:
    data = np.array([np.nan, np.inf, -np.inf, 0.5, 7.0], dtype="<f4").tobytes()
    assert read_mono(stored(tmp_path, wav(data, tag=3, bits=32)))[0].tolist() == [0, 32767, -32767, 16384, 32767]


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        (b"", AudioEmpty, "0 bytes"),
        (b"OggS" + b"\0" * 60, NotWav, "Ogg"),
        (b"ID3\x04" + b"\0" * 60, NotWav, "MP3"),
        (b"RI", NotWav, "not a WAV"),
        ("不是录音".encode() * 9, NotWav, "not a WAV"),
        (wav(b"")[:14], NotWav, "cut in its header"),
        (wav(b"\0" * 65, tag=0x31, bits=0), UnsupportedWav, "0x0031"),
        (wav(b"\0" * 8, channels=0), UnsupportedWav, "0 channels"),
        (wav(b"\0" * 8, channels=6), UnsupportedWav, "6 channels"),
        (wav(b"\0" * 8, rate=0), UnsupportedWav, "0 samples a second"),
        (wav(b"\0" * 8, bits=12), UnsupportedWav, "12 bits"),
        (b"RIFF\x20\0\0\0WAVEdata\x04\0\0\0\0\0\0\0", UnsupportedWav, "before their format"),
        (b"RIFF\x20\0\0\0WAVEfmt \x04\0\0\0\x01\0\x01\0data\0\0\0\0", UnsupportedWav, "4 bytes"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, content: bytes, error: type[AsrError], says: str) -> None:
    path = stored(tmp_path, content)
    with pytest.raises(error, match=says) as caught:
        probe(path)
    assert caught.type is error
    assert "call.wav" in str(caught.value)
    with pytest.raises(error):
        read_samples(path)


def test_a_recording_that_is_gone_says_so(tmp_path: Path) -> None:
    with pytest.raises(AudioMissing, match=r"never\.wav is gone"):
        probe(tmp_path / "never.wav")
    with pytest.raises(AudioMissing, match="is no file"):
        probe(tmp_path)


@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 44_100, 48_000])
def test_any_rate_is_brought_to_the_models(rate: int) -> None:
    tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)).astype(np.int16)
    down = resample(tone, rate, 8000)
    assert abs(len(down) - 8000) <= 1
    middle = slice(1000, 7000)
    assert np.corrcoef(down[middle], TONE[middle])[0, 1] > 0.999


def test_full_scale_does_not_wrap_when_resampled() -> None:
    square = np.where(np.arange(4410) % 100 < 50, 32767, -32768).astype(np.int16)
    down = resample(square, 44_100, 8000)
    assert np.abs(np.diff(down.astype(int))).max() <= 65_535
    assert np.corrcoef(down[100:-100], resample((square // 2).astype(np.int16), 44_100, 8000)[100:-100])[0, 1] > 0.98
    assert resample(square[:0], 44_100, 8000).size == 0
