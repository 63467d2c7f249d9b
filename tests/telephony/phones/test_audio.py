import io
import struct
import wave
from pathlib import Path

import numpy as np
import pytest

from telephony.phones.audio import PhoneAudioError, alaw_file, decode_alaw, encode_alaw


def test_every_alaw_code_survives_decoding_and_encoding() -> None:
    codes = bytes(range(256))
    assert encode_alaw(decode_alaw(codes)) == codes


# Decision points of ITU-T G.711 table 1a, scaled from 12-bit magnitudes to 16 bits (x 16).
@pytest.mark.parametrize(
    ("linear", "code"),
    [(0, 0xD5), (15, 0xD5), (16, 0xD4), (-1, 0x55), (32752, 0xAA), (32767, 0xAA), (-32768, 0x2A), (1024, 0xE5 ^ 0x00)],
)
def test_known_values_of_the_standard(linear: int, code: int) -> None:
    encoded = encode_alaw(np.array([linear], np.int16))[0]
    assert encoded == code


def test_the_error_is_at_most_half_a_step() -> None:
    samples = np.arange(-32768, 32768, dtype=np.int32).astype(np.int16)
    error = np.abs(decode_alaw(encode_alaw(samples)).astype(int) - samples.astype(int))
    assert np.all(error <= np.maximum(np.abs(samples.astype(int)) / 16, 16))


def wav(kind: int, bits: int, channels: int, rate: int, body: bytes) -> bytes:
    form = struct.pack("<HHIIHH", kind, channels, rate, rate * channels * bits // 8, channels * bits // 8, bits)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


TONE = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000) * 0.5


@pytest.mark.parametrize(
    "data",
    [
        wav(1, 16, 1, 16000, (TONE * 32767).astype("<i2").tobytes()),
        wav(1, 16, 2, 16000, np.repeat(TONE * 32767, 2).astype("<i2").tobytes()),
        wav(1, 8, 1, 16000, (TONE * 127 + 128).astype(np.uint8).tobytes()),
        wav(1, 24, 1, 16000, (TONE * 2**31).astype("<i4").view(np.uint8).reshape(-1, 4)[:, 1:].tobytes()),
        wav(1, 32, 1, 16000, (TONE * 2**31).astype("<i4").tobytes()),
        wav(3, 32, 1, 16000, TONE.astype("<f4").tobytes()),
        wav(6, 8, 1, 16000, encode_alaw((TONE * 32767).astype(np.int16))),
    ],
    ids=["16 bit", "stereo", "8 bit", "24 bit", "32 bit", "float", "A-law"],
)
def test_any_wav_becomes_the_same_sound(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "in.wav").write_bytes(data)
    seconds = alaw_file(tmp_path / "in.wav", tmp_path / "out.alaw")
    assert seconds == pytest.approx(1.0, abs=0.01)
    sound = decode_alaw((tmp_path / "out.alaw").read_bytes()).astype(float)[500:7500]
    wanted = np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)[500:7500] * 0.5 * 32767
    assert np.corrcoef(sound, wanted)[0, 1] > 0.99


def test_a_wav_cut_short_gives_what_is_there(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(16000))
    (tmp_path / "torn.wav").write_bytes(buffer.getvalue()[:8045])
    assert alaw_file(tmp_path / "torn.wav", tmp_path / "out.alaw") == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"not a wav at all", "not a WAV"),
        (wav(1, 16, 1, 8000, b""), "no sound"),
        (wav(0x55, 16, 1, 8000, b"xx"), "not understood"),
        (wav(1, 16, 0, 8000, b"xx"), "damaged"),
    ],
)
def test_what_cannot_be_played_is_said(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "in.wav").write_bytes(data)
    with pytest.raises(PhoneAudioError, match=words):
        alaw_file(tmp_path / "in.wav", tmp_path / "out.alaw")


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(PhoneAudioError, match="cannot be read"):
        alaw_file(tmp_path / "none.wav", tmp_path / "out.alaw")
