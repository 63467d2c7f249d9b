"""Running calls, told while they are spoken: real Vosk in real processes, files that grow."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import numpy as np

from asr.live import Finished, Heard
from asr.model import SpeechModel
from tests.asr.live.conftest import Samples, Wire, listening, new_call

Words = list[tuple[str, str, float]]
Batch = Callable[[list[Wire]], Words]


def only_words(words: Words) -> list[tuple[str, str]]:
    return [(who, text) for who, text, _ in words]


async def test_a_call_followed_while_it_grows_has_the_words_of_the_finished_recording(
    wires: list[Wire], speech_model: SpeechModel, batch: Batch
) -> None:
    async with listening() as ear:
        await ear.decoders.open("r", [wire.track() for wire in wires], speech_model, ["富华南路"])
        for seconds in np.arange(0.5, 20.01, 1.37):  # odd lengths: no block ends where a step does
            for wire in wires:
                wire.grow_to(float(seconds))
            await ear.until(lambda: ear.decoders.lag_seconds()["r"] < 0.3)
        assert ear.partials()
        assert len(ear.heard()) > 5
        for wire in wires:
            wire.complete()
        await ear.decoders.finish("r")
        ended = await ear.ended("r")
        assert ear.decoders.lag_seconds() == {}
    assert ended["r"] == Finished("r", 20.0, ())
    assert ear.heard() == batch(wires)
    assert {each.speaker for each in ear.partials()} == {"agent", "citizen"}
    text = "".join(each.utterance.text for each in ear.of(Heard) if isinstance(each, Heard) and each.utterance)
    assert "富华南路" in text
    assert "13800123456" in text


async def test_partial_words_grow_into_the_utterance(wires: list[Wire], speech_model: SpeechModel) -> None:
    citizen = wires[1]
    async with listening() as ear:
        await ear.decoders.open("r", [citizen.track()], speech_model)
        citizen.grow_to(5.0)
        await ear.until(ear.partials)
        await ear.until(lambda: ear.decoders.lag_seconds()["r"] < 0.3)
        partial = ear.partials()[-1]
        assert not ear.heard()
        citizen.grow_to(11.0)
        await ear.until(ear.heard)
    (heard,) = [each for each in ear.of(Heard) if isinstance(each, Heard) and each.utterance]
    assert heard.utterance is not None
    assert heard.utterance.text.startswith(partial.text[:4])
    assert abs(partial.start - heard.utterance.start) < 0.5
    assert heard.heard_seconds >= heard.utterance.end


async def test_who_joins_late_hears_the_call_from_its_start(
    wires: list[Wire], speech_model: SpeechModel, batch: Batch
) -> None:
    for wire in wires:
        wire.grow_to(20.0)
        wire.complete()
    async with listening() as ear:
        await ear.decoders.open("r", [wire.track() for wire in wires], speech_model)
        await ear.decoders.finish("r")
        await ear.ended("r")
    assert ear.heard() == batch(wires)


async def test_who_takes_over_goes_on_after_what_is_stored(
    wires: list[Wire], speech_model: SpeechModel, batch: Batch
) -> None:
    settled = {wire.speaker: 0.0 for wire in wires}
    async with listening() as first:
        await first.decoders.open("r", [wire.track() for wire in wires], speech_model)
        for wire in wires:
            wire.grow_to(11.0)
        await first.until(lambda: first.decoders.lag_seconds()["r"] < 0.3)
    for event in first.events:
        if isinstance(event, Heard):
            settled[event.speaker] = event.heard_seconds
    assert all(settled.values())
    for wire in wires:
        wire.complete()
    async with listening() as second:
        await second.decoders.open("r", [wire.track(settled[wire.speaker]) for wire in wires], speech_model)
        await second.decoders.finish("r")
        await second.ended("r")
    both = sorted(first.heard() + second.heard(), key=lambda word: (word[0], word[2]))
    expected = batch(wires)
    assert only_words(both) == only_words(expected)
    assert np.abs(np.array([w[2] for w in both]) - [w[2] for w in expected]).max() < 0.1


async def test_without_a_live_copy_the_growing_recording_is_followed(
    wires: list[Wire], speech_model: SpeechModel, batch: Batch
) -> None:
    for wire in wires:
        wire.live = None
    async with listening() as ear:
        await ear.decoders.open("r", [wire.track() for wire in wires], speech_model)
        for wire in wires:
            wire.grow_to(12.0)
        await ear.until(ear.heard)
        for wire in wires:
            wire.grow_to(20.0)
            wire.complete()
        await ear.decoders.finish("r")
        assert (await ear.ended("r"))["r"] == Finished("r", 20.0, ())
    assert ear.heard() == batch(wires)


async def test_a_live_copy_that_vanishes_is_replaced_by_the_recording(
    wires: list[Wire], speech_model: SpeechModel, batch: Batch
) -> None:
    async with listening() as ear:
        await ear.decoders.open("r", [wire.track() for wire in wires], speech_model)
        for wire in wires:
            wire.grow_to(6.0)
        await ear.until(lambda: ear.decoders.lag_seconds()["r"] < 0.3)
        for wire in wires:
            assert wire.live is not None
            wire.live.unlink()
            wire.live = None
            wire.grow_to(14.0)
        await ear.until(lambda: any(word[2] > 8 for word in ear.heard()))
        for wire in wires:
            wire.complete()
        await ear.decoders.finish("r")
        await ear.ended("r")
    assert ear.heard() == batch(wires)


async def test_a_recording_that_stands_still_is_waited_for(
    wires: list[Wire], speech_model: SpeechModel, batch: Batch
) -> None:
    async with listening() as ear:
        await ear.decoders.open("r", [wire.track() for wire in wires], speech_model)
        for wire in wires:
            wire.grow_to(7.31)
        await ear.until(lambda: ear.decoders.lag_seconds()["r"] < 0.3)
        told = len(ear.events)
        pid = ear.decoders.pids()
        await asyncio.sleep(1.0)  # twenty looks at files that do not grow
        assert len(ear.events) == told
        for wire in wires:
            wire.grow_to(20.0)
        await ear.until(lambda: any(word[2] > 12 for word in ear.heard()))
        assert ear.decoders.pids() == pid
        for wire in wires:
            wire.complete()
        await ear.decoders.finish("r")
        await ear.ended("r")
    assert ear.heard() == batch(wires)


async def test_a_live_copy_that_stands_still_while_the_recording_grows_is_left(
    wires: list[Wire], speech_model: SpeechModel, batch: Batch
) -> None:
    async with listening() as ear:
        await ear.decoders.open("r", [wire.track() for wire in wires], speech_model)
        for wire in wires:
            wire.grow_to(4.0)
            wire.live = None  # nobody writes it any more, it is still there
            wire.grow_to(16.0)
        await ear.until(lambda: any(word[2] > 8 for word in ear.heard()))
        for wire in wires:
            wire.complete()
        await ear.decoders.finish("r")
        await ear.ended("r")
    assert ear.heard() == batch(wires)


async def test_calls_beside_each_other_do_not_mix(
    tmp_path: Path, agent_sound: Samples, citizen_sound: Samples, speech_model: SpeechModel, batch: Batch
) -> None:
    calls = {}
    async with listening(2) as ear:
        for number in range(5):
            shifted = {"agent": np.roll(agent_sound, 800 * number), "citizen": np.roll(citizen_sound, -800 * number)}
            name = f"call {number}"
            calls[name] = new_call(tmp_path, shifted, name)  # type: ignore[arg-type]
            await ear.decoders.open(name, [wire.track() for wire in calls[name]], speech_model)
        for seconds in (5.0, 13.0, 20.0):
            for wire in (wire for wires in calls.values() for wire in wires):
                wire.grow_to(seconds)
        for wire in (wire for wires in calls.values() for wire in wires):
            wire.complete()
        for name in calls:
            await ear.decoders.finish(name)
        await ear.ended(*calls)
        assert len(ear.decoders.pids()) == 2
    for name, wires in calls.items():
        assert ear.heard(name) == batch(wires)


async def test_nothing_is_told_of_a_closed_call_and_it_can_be_opened_again(
    wires: list[Wire], speech_model: SpeechModel, batch: Batch
) -> None:
    async with listening() as ear:
        await ear.decoders.open("r", [wire.track() for wire in wires], speech_model)
        for wire in wires:
            wire.grow_to(8.0)
        await ear.until(ear.heard)
        await ear.decoders.close("r")
        assert ear.decoders.lag_seconds() == {}
        ear.events.clear()
        for wire in wires:
            wire.grow_to(20.0)
            wire.complete()
        await ear.decoders.open("again", [wire.track() for wire in wires], speech_model)
        await ear.decoders.finish("again")
        await ear.ended("again")
        assert {event.recording_id for event in ear.events} == {"again"}
    assert ear.heard("again") == batch(wires)


async def test_kept_models_are_loaded_before_a_call_comes(wires: list[Wire], speech_model: SpeechModel) -> None:
    async with listening(processes=2, linger_seconds=0.0) as ear:
        ear.decoders.keep({speech_model})
        await ear.until(lambda: ear.decoders.loaded == 2)
        ready = ear.decoders.pids()
        await ear.decoders.open("r", [wires[0].track()], speech_model)
        wires[0].grow_to(20.0)
        wires[0].complete()
        await ear.decoders.finish("r")
        await ear.ended("r")
        assert ear.decoders.pids() == ready
        ear.decoders.keep(())
        await ear.until(lambda: not ear.decoders.pids())
