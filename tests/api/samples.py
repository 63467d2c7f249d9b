"""Calls, sound and words that tests store; the shed beside the transformer is the domain's own example."""

import re
import struct
import wave
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession

from api.calls import service as calls
from api.recordings import names
from api.recordings import service as recordings
from api.tickets import service as tickets
from api.transcripts import service as transcripts
from asr.audio import Speaker
from asr.transcript import Transcript, Utterance, Word
from telephony.calls.model import Call, Outcome, Segment

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
RATE = 8000


def call(
    ref: str = "1763870000.1",
    outcome: Outcome = "answered",
    *,
    caller: str | None = "13800123456",
    offered_at: datetime = NOON,
    wait_seconds: float = 4.2,
    talk_seconds: float = 31.5,
    agent: str | None = "8001",
) -> Call:
    """A call as the reducer gives it; answered ones have one recorded segment."""
    answered_at = offered_at + timedelta(seconds=wait_seconds)
    ended_at = answered_at + timedelta(seconds=talk_seconds)
    if outcome == "answered":
        segment = Segment(str(agent), answered_at, ended_at, talk_seconds, recording_id(ref, str(agent), answered_at))
        return Call(
            ref,
            caller,
            "hotline",
            outcome,
            "queue",
            offered_at,
            answered_at,
            ended_at,
            wait_seconds,
            talk_seconds,
            agent,
            (segment,),
            sip_call_id=f"{ref}@127.0.0.2",
        )
    ended = None if outcome == "in_progress" else answered_at
    return Call(ref, caller, "hotline", outcome, None, offered_at, None, ended, wait_seconds, None, None)


def recording_id(ref: str, agent: str, started_at: datetime) -> str:
    """A recording's name as the dialplan writes it."""
    return f"{ref}--{agent}--{int(started_at.timestamp() * 1_000_000)}"


def write_tracks(folder: Path, recording: str, seconds: float = 32.0, *, done: bool = True) -> None:
    """Three files as MixMonitor leaves them: a tone that differs by track, and the completion mark."""
    folder.mkdir(parents=True, exist_ok=True)
    for suffix, hertz in (("", 300), ("-agent", 400), ("-citizen", 500)):
        moments = np.arange(int(seconds * RATE)) / RATE
        samples = (3000 * np.sin(2 * np.pi * hertz * moments)).astype("<i2")
        with wave.open(str(folder / f"{recording}{suffix}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(samples.tobytes())
    if done:
        (folder / f"{recording}.done").touch()


def growing_wav(seconds: float) -> bytes:
    """A file that Asterisk still writes to: its header says that there is no sound yet."""
    sound = b"\x01\x02" * int(seconds * RATE)
    header = b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, RATE, RATE * 2, 2, 16)
    return header + b"data" + struct.pack("<I", 0) + sound


SPOKEN: tuple[tuple[str, float, float, str, tuple[str, ...]], ...] = (
    ("agent", 0.4, 2.6, "您好，12345，请讲。", ()),
    ("citizen", 3.1, 9.4, "你好，我要反映一个情况，富华南路变压器旁边有一个工棚倾斜了，很危险。", ("工棚",)),
    ("agent", 9.9, 11.8, "请问具体在什么位置？", ()),
    ("citizen", 12.2, 16.9, "就在富华南路128号门口，人来人往的。", ("门口",)),
    ("agent", 17.4, 19.3, "请问您贵姓？联系电话是多少？", ()),
    ("citizen", 19.8, 26.0, "我姓王，电话13800123456。", ()),
    ("agent", 26.5, 30.8, "好的，马上派单处理，请注意安全。", ()),
)


def transcript(ref: str, recording: str) -> Transcript:
    """What a model would hear, with some doubtful words."""
    utterances = []
    for speaker, start, end, text, doubtful in SPOKEN:
        pattern = "|".join([*doubtful, r"[0-9]+", r"\w"])
        words = tuple(
            Word(word, start + index * 0.2, start + index * 0.2 + 0.18, 0.71 if word in doubtful else 0.99)
            for index, word in enumerate(re.findall(pattern, text))
        )
        who: Speaker = "agent" if speaker == "agent" else "citizen"
        utterances.append(Utterance(who, start, end, text, 0.96, words, recording))
    return Transcript(ref, "complete", "zhitong-demo", tuple(utterances))


def _field(value: str | None, confidence: float, *evidence: tuple[int, float, float, str]) -> dict[str, object]:
    return {
        "value": value,
        "confidence": confidence,
        "confirmed": False,
        "evidence": [
            {"utterance": index, "start": start, "end": end, "text": text} for index, start, end, text in evidence
        ],
    }


def fields() -> dict[str, object]:
    """A draft with evidence."""
    return {
        "summary": _field(
            "富华南路变压器旁边有一个工棚倾斜，很危险", 0.9, (1, 5.2, 9.4, "富华南路变压器旁边有一个工棚倾斜了，很危险")
        ),
        "category": _field("building-safety", 0.88, (1, 7.3, 8.6, "工棚倾斜了")),
        "place": _field("富华南路128号", 0.93, (1, 5.2, 6.1, "富华南路"), (3, 12.6, 14.9, "富华南路128号门口")),
        "urgency": _field("urgent", 0.82, (1, 8.6, 9.4, "很危险")),
        "complexity": _field("simple", 0.6),
        "unit": _field("住建局", 0.88, (1, 7.3, 8.6, "工棚倾斜了")),
        "contact_phone": _field("13800123456", 0.97, (5, 21.7, 26.0, "电话13800123456")),
        "contact_name": _field(None, 0.0),
    }


async def store_answered(session: AsyncSession, one: Call, folder: Path | None = None) -> str:
    """Store a call with its recording, transcript and draft; returns the recording's name."""
    recording = str(one.segments[0].recording_id)
    name = names.parse(recording)
    assert name is not None
    if folder is not None:
        write_tracks(folder, recording)
    await calls.store_calls(session, [one])
    await recordings.note_finished(session, name)
    row = await recordings.find(session, recording)
    assert row is not None
    await transcripts.store_transcript(
        session, row, transcript(one.call_ref, recording), duration_seconds=32.0, reason=None
    )
    await tickets.store_draft(
        session, one.call_ref, fields(), reason=None, now=one.offered_at, timezone="Asia/Shanghai"
    )
    return recording


async def store_placed(session: AsyncSession, recording: str, folder: Path) -> None:
    """Store a recording of a call that an agent placed, with its files and what was said in it."""
    write_tracks(folder / names.OUTWARD, recording)
    name = names.parse(recording, outward=True)
    assert name is not None
    await recordings.note_finished(session, name)
    row = await recordings.find(session, recording)
    assert row is not None
    heard = transcript(name.call_ref, recording)
    await transcripts.store_transcript(session, row, heard, duration_seconds=32.0, reason=None)
