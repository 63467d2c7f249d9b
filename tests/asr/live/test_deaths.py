"""A decoding process may die at any moment: no word is lost, none doubled, and the innocent go on."""

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from asr.live import Finished, GivenUp, Heard
from asr.live.deaths import Record, after_death, hopeless, suspects
from asr.live.outbox import Outbox
from asr.live.process import LiveProcess
from asr.model import SpeechModel
from tests.asr.live.conftest import Ear, Samples, Wire, listening, new_call

Batch = Callable[[list[Wire]], list[tuple[str, str, float]]]


async def killed(ear: Ear) -> None:
    """Kill the process with -9 and wait for its successor."""
    (pid,) = ear.decoders.pids()
    os.kill(pid, signal.SIGKILL)
    await ear.until(lambda: ear.decoders.pids() and pid not in ear.decoders.pids())


async def test_a_process_killed_in_a_call_costs_no_word_and_doubles_none(
    wires: list[Wire], speech_model: SpeechModel, batch: Batch
) -> None:
    async with listening() as ear:
        await ear.decoders.open("r", [wire.track() for wire in wires], speech_model)
        for seconds in (5.0, 11.0, 16.5):  # in the middle of a word each time
            for wire in wires:
                wire.grow_to(seconds)
            await ear.until(lambda: ear.decoders.lag_seconds()["r"] < 0.5)
            await killed(ear)
        for wire in wires:
            wire.complete()
        await ear.decoders.finish("r")
        await killed(ear)
        assert (await ear.ended("r"))["r"] == Finished("r", 20.0, ())
    expected = batch(wires)
    assert [word[:2] for word in ear.heard()] == [word[:2] for word in expected]
    assert np.abs(np.array([w[2] for w in ear.heard()]) - [w[2] for w in expected]).max() < 0.1


async def test_a_recording_at_which_every_process_dies_is_given_up(
    wires: list[Wire], speech_model: SpeechModel
) -> None:
    async with listening() as ear:
        await ear.decoders.open("r", [wire.track() for wire in wires], speech_model)
        for _ in range(2):
            await ear.until(ear.decoders.pids)
            await killed(ear)
        (pid,) = ear.decoders.pids()
        os.kill(pid, signal.SIGKILL)
        ended = await ear.ended("r")
    assert isinstance(ended["r"], GivenUp)
    assert "SIGKILL" in ended["r"].reason


async def test_a_model_that_cannot_be_loaded_gives_the_call_up(
    wires: list[Wire], speech_model: SpeechModel, tmp_path: Path
) -> None:
    async with listening() as ear:
        broken = replace(speech_model, path=tmp_path / "no model")
        await ear.decoders.open("r", [wire.track() for wire in wires], broken)
        ended = await ear.ended("r")
    assert isinstance(ended["r"], GivenUp)
    assert "Vosk cannot load the model" in ended["r"].reason


@pytest.mark.parametrize("hostile", ["a\nb", "$(x) '\";--", "..", "\udcff", "行\u202e", "\\", "%s{0}"])
async def test_a_hostile_name_is_only_a_name(
    tmp_path: Path, citizen_sound: Samples, speech_model: SpeechModel, hostile: str
) -> None:
    folder = tmp_path / hostile
    folder.mkdir(exist_ok=True)
    (wire,) = new_call(folder, {"citizen": citizen_sound[: 8000 * 10]}, name="x\n\udcfe'")
    wire.complete()
    async with listening() as ear:
        await ear.decoders.open(hostile, [wire.track()], speech_model)
        await ear.decoders.finish(hostile)
        assert (await ear.ended(hostile))[hostile] == Finished(hostile, 10.0, ())
    assert "板房" in "".join(word[1] for word in ear.heard(hostile))


async def test_one_missing_track_leaves_the_other(wires: list[Wire], speech_model: SpeechModel, batch: Batch) -> None:
    agent, citizen = wires
    citizen.complete()
    async with listening() as ear:
        await ear.decoders.open("r", [wire.track() for wire in wires], speech_model)
        await ear.decoders.finish("r")
        ended = (await ear.ended("r"))["r"]
    assert isinstance(ended, Finished)
    assert ended.duration_seconds == 20.0
    assert len(ended.faults) == 1
    assert "Track agent" in ended.faults[0]
    assert "never recorded" in ended.faults[0]
    assert ear.heard() == batch([citizen])
    assert agent.written == 0


async def test_a_recording_without_any_usable_track_is_given_up(wires: list[Wire], speech_model: SpeechModel) -> None:
    wires[0].recording.write_bytes(b"OggS" + bytes(100))
    async with listening() as ear:
        await ear.decoders.open("r", [wire.track() for wire in wires], speech_model)
        await ear.decoders.finish("r")
        ended = (await ear.ended("r"))["r"]
    assert isinstance(ended, GivenUp)
    assert "Ogg" in ended.reason


async def test_a_torn_track_and_tracks_of_different_length_are_told(
    wires: list[Wire], speech_model: SpeechModel
) -> None:
    for wire in wires:
        wire.complete()
    whole = wires[1].recording.read_bytes()
    wires[1].recording.write_bytes(whole[: 44 + 16_000 * 10])
    async with listening() as ear:
        await ear.decoders.open("r", [wire.track() for wire in wires], speech_model)
        await ear.decoders.finish("r")
        ended = (await ear.ended("r"))["r"]
    assert isinstance(ended, Finished)
    assert any("citizen is torn" in fault for fault in ended.faults)
    assert any("differ in length: agent 20.0 s, citizen 10.0 s" in fault for fault in ended.faults)
    assert any(word[0] == "citizen" for word in ear.heard())


async def test_an_hour_of_silence_has_no_words_and_need_not_be_heard_again(
    tmp_path: Path, speech_model: SpeechModel
) -> None:
    (wire,) = new_call(tmp_path, {"citizen": np.zeros(8000 * 3600, np.int16)})
    wire.complete()
    async with listening() as ear:
        await ear.decoders.open("r", [wire.track()], speech_model)
        await ear.decoders.finish("r")
        assert (await ear.ended("r"))["r"] == Finished("r", 3600.0, ())
    assert ear.heard() == []
    settled = [each.heard_seconds for each in ear.of(Heard) if isinstance(each, Heard)]
    assert settled == sorted(settled)
    assert max(np.diff([0.0, *settled])) < 30
    assert not ear.partials()


@pytest.mark.parametrize(
    ("working_on", "opened", "expected"), [(2, {1, 2, 3}, {2}), (0, {1, 2}, {1, 2}), (9, {1}, {1}), (1, set(), set())]
)
def test_the_recording_at_work_is_blamed(working_on: int, opened: set[int], expected: set[int]) -> None:
    assert suspects(working_on, opened) == expected


def test_only_deaths_without_progress_add_up() -> None:
    record = after_death(after_death(Record(), 0.0), 0.0)
    assert record.deaths == 2
    assert hopeless({1: after_death(record, 0.0), 2: after_death(record, 4.0)}) == {1}


async def test_an_error_in_the_pool_is_raised_where_events_are_read() -> None:
    outbox = Outbox()
    outbox.fail(KeyError("a defect"))
    with pytest.raises(KeyError, match="a defect"):
        async for _ in outbox.read():
            pass


async def test_an_ending_that_is_cancelled_leaves_no_process_behind(speech_model: SpeechModel) -> None:
    process = await LiveProcess.start(speech_model)
    ending = asyncio.create_task(process.end())
    await asyncio.sleep(0)
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)
