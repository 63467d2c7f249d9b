"""A recording that came by HTTP, put where the PBX puts its own."""

import os
import secrets
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from api.kit.problems import BadRequest
from api.recordings.names import DONE, RecordingName
from asr.audio import probe
from asr.errors import AudioError

RATE, SAMPLE_BYTES, MOST_CHANNELS = 8000, 2, 2
TRACKS = ("mixed", "agent", "citizen")
_MARK, _UPLOADING = "upload sha256 ", ".uploading"
_BLOCK_FRAMES = 1 << 16


class RecordingUnusable(BadRequest):
    """What was sent is no recording that can be stored."""

    error_id = "recording_unusable"


@dataclass(frozen=True, slots=True)
class Sent:
    """What arrived: a file under a name of its own, and its SHA-256."""

    path: Path
    sha256: str


def duration_seconds(path: Path) -> float:
    """Check that a file is a whole recording as the PBX writes them; return its length. Raises RecordingUnusable."""
    try:
        info = probe(path)
    except AudioError as error:
        raise RecordingUnusable(str(error).replace(path.name, "What was sent")) from error
    if (info.rate, info.coding, info.bits) != (RATE, "pcm", 8 * SAMPLE_BYTES):
        raise RecordingUnusable(
            f"This is {info.coding}, {info.bits} bits at {info.rate} Hz; send 16-bit PCM at {RATE} Hz."
        )
    if info.torn or not info.frames:
        raise RecordingUnusable("The recording is empty, or shorter than its header says.")
    return info.seconds


def mark_of(done: Path) -> str | None:
    """Return the sum of the upload that made a recording; empty: the PBX made it; None: it is not here."""
    try:
        mark = done.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    return mark.removeprefix(_MARK).strip() if mark.startswith(_MARK) else ""


def cut_off(folder: Path, name: RecordingName) -> bool:
    """Whether the files of a recording are what an upload left behind that was cut off."""
    return (folder / (name.recording_id + _UPLOADING)).exists()


def store(sent: Sent, folder: Path, name: RecordingName) -> None:
    """Write the tracks as the PBX would, each whole or not at all, and last the mark that they are complete.

    The mark is there before the first track, under another name: whoever is asked again after a power cut knows that
    these files are an upload's, and writes them anew.
    """
    with wave.open(str(sent.path), "rb") as source:
        stereo = source.getnchannels() == MOST_CHANNELS
        parts = {track: folder / f".upload-{secrets.token_hex(16)}.part" for track in TRACKS}
        try:
            files = {track: path.open("xb") for track, path in parts.items()}
            try:
                # _split closes what is opened here.
                out = {track: wave.open(file, "wb") for track, file in files.items()}  # noqa: SIM115
                _split(source, out, stereo=stereo)
                for file in files.values():
                    file.flush()
                    os.fsync(file.fileno())
            finally:
                for file in files.values():
                    file.close()
            mark = folder / (name.recording_id + _UPLOADING)
            _write_mark(mark, sent.sha256)
            _sync(folder)
            for track, part in parts.items():
                part.rename(folder / name.file(track))
        finally:
            for part in parts.values():
                part.unlink(missing_ok=True)
    mark.rename(folder / (name.recording_id + DONE))
    _sync(folder)


def _write_mark(mark: Path, sha256: str) -> None:
    with mark.open("w", encoding="utf-8") as file:
        file.write(_MARK + sha256 + "\n")
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _split(source: wave.Wave_read, out: dict[str, wave.Wave_write], *, stereo: bool) -> None:
    for track in out.values():
        track.setparams((1, SAMPLE_BYTES, RATE, 0, "NONE", "not compressed"))
    while data := source.readframes(_BLOCK_FRAMES):
        samples = np.frombuffer(data, "<i2")
        if not stereo:
            out["mixed"].writeframes(data)
            out["citizen"].writeframes(data)
            continue
        agent, citizen = samples[0::2], samples[1::2]
        out["agent"].writeframes(agent.tobytes())
        out["citizen"].writeframes(citizen.tobytes())
        mixed = (agent.astype(np.int32) + citizen).clip(-32768, 32767)
        out["mixed"].writeframes(mixed.astype("<i2").tobytes())
    for track in out.values():
        track.close()
