"""Who hears whom, and what the recordings hold, by sound: every phone says what nobody else says."""

import asyncio
import contextlib
import csv
import io
import json
import time
from pathlib import Path

import numpy as np
import pytest

from telephony.actions.errors import NoSuchTalk
from telephony.ami.connection import AmiConnection
from telephony.calls.outward import came_of
from tests.telephony.actions.conftest import (
    Order,
    a_while,
    carrier,
    hang_up,
    only_8001,
    over,
    spoken_by,
    until_in,
    until_together,
)
from tests.telephony.conftest import CARRIER, Hotline, noise
from tests.telephony.phones.voice import Voice, read, share

CITIZEN, AGENTS = "127.0.0.2", "127.0.0.3"
UNIT = "02888123456"
Span = tuple[float, float]
# The pieces at a span's edges may be cut: of what a phone hears, half of a second; of what is recorded, one of four.
HEARD, KEPT, UNHEARD = 0.4, 0.6, 0.0


def hears(listener: Voice, speaker: Voice, span: Span) -> float:
    return share(listener.heard(span), speaker.said(span))


async def supervised(order: Order, asterisk: AmiConnection, agent: Voice, boss: Voice) -> dict[str, Span]:
    """Let 8002 listen to the call of 8001, whisper and join, 8001 hold and, muted, call a unit in, then 8003."""
    spans: dict[str, Span] = {}
    for verb in ("listen", "whisper", "join"):
        await order(verb, supervisor="8002", extension="8001")
        if verb == "join":
            await until_together(asterisk, {"8001", "citizen", "8002"})
        else:
            await until_in(asterisk, "8002", "ChanSpy")
        await asyncio.sleep(0.2)
        spans[verb] = await a_while(1)
        boss.fall_silent()
        await hang_up(asterisk, "8002")
        await until_together(asterisk, {"8001", "citizen"})

    await order("hold", extension="8001")
    await until_together(asterisk, {"8001"}, {"citizen"})
    with pytest.raises(NoSuchTalk):
        await order("hold", extension="8001")
    spans["hold"] = await a_while(1)
    await order("unhold", extension="8001")
    await until_together(asterisk, {"8001", "citizen"})

    agent.fall_silent()
    await order("conference", extension="8001", number=UNIT)
    await until_together(asterisk, {"8001", "citizen", UNIT})
    await asyncio.sleep(0.2)
    spans["three"] = await a_while(1)
    await order("conference", extension="8001", number="8003")
    await until_together(asterisk, {"8001", "citizen", UNIT, "8003"})
    await asyncio.sleep(0.2)
    spans["four"] = await a_while(1)
    await hang_up(asterisk, "8003")
    await until_together(asterisk, {"8001", "citizen", UNIT})
    return spans


async def test_who_hears_whom_when_a_supervisor_listens_whispers_joins_and_a_unit_is_called_in(
    hotline: Hotline, order: Order, asterisk: AmiConnection, tmp_path: Path
) -> None:
    noise(tmp_path / "long.wav", 9, 30)
    before = hotline.recordings()
    with (
        Voice(CITIZEN, 1) as citizen,
        Voice(AGENTS, 2) as agent,
        Voice(AGENTS, 3) as boss,
        Voice(CARRIER, 4) as unit,
        Voice(AGENTS, 5) as second,
    ):
        async with (
            hotline.agent(8001, answer_after=0.1, scenario=spoken_by(agent)),
            hotline.agent(8002, answer_after=0.1, scenario=spoken_by(boss)),
            hotline.agent(8003, answer_after=0.1, scenario=spoken_by(second)),
            carrier(hotline, unit),
        ):
            await only_8001(order)
            call = asyncio.create_task(hotline.call(tmp_path / "long.wav", scenario=spoken_by(citizen, "citizen")))
            await until_together(asterisk, {"8001", "citizen"})

            spans = await supervised(order, asterisk, agent, boss)
            await hang_up(asterisk, "8001")
            await until_together(asterisk, {"citizen", UNIT})
            spans["without agent"] = await a_while(1)
            await hang_up(asterisk, "citizen")
            assert (await call).answered
            names = sorted(await hotline.new_recordings(before, 4), key=lambda name: name.split("--")[2])
    assert [name.split("--")[1] for name in names] == ["8001", "8002", UNIT, "8003"]
    own, joined, third, fourth = (
        {
            track: read(hotline.site.directories.recordings / f"{name}{track}.wav")
            for track in ("", "-agent", "-citizen")
        }
        for name in names
    )

    assert hears(boss, citizen, spans["listen"]) > HEARD
    assert hears(boss, agent, spans["listen"]) > HEARD
    assert hears(agent, boss, spans["listen"]) == hears(citizen, boss, spans["listen"]) == UNHEARD
    assert hears(agent, boss, spans["whisper"]) > HEARD
    assert hears(citizen, boss, spans["whisper"]) == UNHEARD
    assert hears(boss, citizen, spans["whisper"]) > HEARD
    assert min(hears(agent, boss, spans["join"]), hears(citizen, boss, spans["join"])) > HEARD
    assert min(hears(boss, agent, spans["join"]), hears(boss, citizen, spans["join"])) > HEARD
    assert hears(citizen, agent, spans["hold"]) == UNHEARD
    assert min(hears(agent, unit, spans["three"]), hears(citizen, unit, spans["three"])) > HEARD
    assert hears(unit, citizen, spans["three"]) > HEARD
    assert min(hears(citizen, unit, spans["without agent"]), hears(unit, citizen, spans["without agent"])) > HEARD

    for listener, others in (
        (agent, (citizen, unit, second)),
        (citizen, (unit, second)),
        (unit, (citizen, second)),
        (second, (citizen, unit)),
    ):
        assert min(hears(listener, each, spans["four"]) for each in others) > HEARD

    for name in ("listen", "whisper", "join"):
        assert share(own["-citizen"], citizen.said(spans[name])) > KEPT, name
        assert share(own["-agent"], agent.said(spans[name])) > KEPT, name
        assert share(own["-agent"], citizen.said(spans[name])) == UNHEARD, name
        assert share(own["-citizen"], agent.said(spans[name])) == UNHEARD, name
    unrecorded = [share(sound, boss.said(spans[name])) for name in ("listen", "whisper") for sound in own.values()]
    assert set(unrecorded) == {UNHEARD}
    assert min(share(sound, boss.said(spans["join"])) for sound in (own[""], joined[""], joined["-agent"])) > KEPT
    # The agent's phone sends nothing: what the others say is kept all the same (decision 0018).
    assert share(own[""], unit.said(spans["three"])) > KEPT
    # Two third parties at once: each recording keeps its own party's words apart, and all the others'.
    for sound, mine, others in ((third, unit, (citizen, second)), (fourth, second, (citizen, unit))):
        assert min(share(sound[track], mine.said(spans["four"])) for track in ("", "-agent")) > KEPT
        assert min(share(sound["-citizen"], each.said(spans["four"])) for each in others) > KEPT
    assert min(share(own[""], each.said(spans["four"])) for each in (citizen, unit, second)) > KEPT
    for name in ("three", "without agent"):
        assert min(share(third[track], unit.said(spans[name])) for track in ("", "-agent")) > KEPT, name
        assert min(share(third[track], citizen.said(spans[name])) for track in ("", "-citizen")) > KEPT, name


async def test_after_each_transfer_the_next_agents_words_are_heard_and_recorded(
    hotline: Hotline, order: Order, asterisk: AmiConnection, tmp_path: Path
) -> None:
    noise(tmp_path / "long.wav", 9, 30)
    before = hotline.recordings()
    with contextlib.ExitStack() as stack:
        citizen = stack.enter_context(Voice(CITIZEN, 1))
        voices = {name: stack.enter_context(Voice(AGENTS, name)) for name in (8001, 8002, 8003)}
        async with contextlib.AsyncExitStack() as phones:
            for name, voice in voices.items():
                await phones.enter_async_context(hotline.agent(name, answer_after=0.1, scenario=spoken_by(voice)))
            await only_8001(order)
            call = asyncio.create_task(hotline.call(tmp_path / "long.wav", scenario=spoken_by(citizen, "citizen")))
            await until_together(asterisk, {"8001", "citizen"})
            await order("attended_transfer", extension="8001", to="8002")
            await until_together(asterisk, {"8001", "8002"}, {"citizen"})
            asked = await a_while(1)
            await order("attended_transfer", extension="8001")
            await until_together(asterisk, {"8002", "citizen"})
            attended = await a_while(1)
            await order("blind_transfer", extension="8002", to="8003")
            await until_together(asterisk, {"8003", "citizen"})
            blind = await a_while(1)
            await hang_up(asterisk, "citizen")
            assert (await call).answered
            names = sorted(await hotline.new_recordings(before, 3))
    assert [name.split("--")[1] for name in names] == ["8001", "8002", "8003"]
    assert len({name.split("--")[0] for name in names}) == 1, "three segments of one call"
    folder = hotline.site.directories.recordings
    agents = {name: read(folder / f"{file}-agent.wav") for name, file in zip(voices, names, strict=True)}
    citizens = {name: read(folder / f"{file}-citizen.wav") for name, file in zip(voices, names, strict=True)}
    for name, span in ((8002, attended), (8003, blind)):
        assert hears(citizen, voices[name], span) > HEARD
        assert share(agents[name], voices[name].said(span)) > KEPT
        assert share(citizens[name], citizen.said(span)) > KEPT
    assert share(agents[8002], voices[8002].said(asked)) > KEPT
    for colleague in (8001, 8002):
        assert hears(citizen, voices[colleague], asked) == UNHEARD, "the citizen holds"


async def test_a_number_outside_is_dialled_as_given_and_every_call_out_has_an_end(
    hotline: Hotline, order: Order, asterisk: AmiConnection
) -> None:
    with Voice(AGENTS, 1) as agent, Voice(CARRIER, 2) as unit:
        async with (
            hotline.agent(8001, answer_after=0.1, scenario=spoken_by(agent)),
            hotline.agent(8002, answer_after=0.1),
            hotline.agent(8003, answer_after=0.1),
        ):
            async with carrier(hotline, unit) as asked:
                placed = {
                    number: await order("dial", extension=extension, number=number)
                    for extension, number in (("8001", f"+86{UNIT}"), ("8002", "02899990486"), ("8003", "02899990603"))
                }
                await until_together(asterisk, {"8001", "carrier"})
                span = await a_while(1)
                await hang_up(asterisk, "carrier")
                log = asked.log_lines()
            # The carrier is away now: nobody answers.
            await until_in(asterisk, "8001")
            placed["02899990000"] = await order("dial", extension="8001", number="02899990000")
            await until_in(asterisk, "8001", "Dial")
            unanswered = time.monotonic()
            await asyncio.gather(*(until_in(asterisk, extension) for extension in ("8001", "8002", "8003")))
    invited = [line for line in log if line.startswith("INVITE")]
    assert {line.split("@")[0] for line in invited} == {f"INVITE sip:{number}" for number in list(placed)[:3]}
    assert all("<sip:12345@" in line for line in invited), "the hotline's own number is shown"
    assert hears(agent, unit, span) > HEARD
    assert hears(unit, agent, span) > HEARD
    assert np.abs(agent.heard((unanswered, time.monotonic()))).max() > 1000, "the agent hears a tone"
    ends, came = {}, []
    for number, result in placed.items():
        assert result
        (done,) = hotline.site.directories.outward.glob(f"{result['dial_ref']}--*.done")
        dialled = next(row for row in rows(hotline) if row[0] == "HotlineDialled" and result["dial_ref"] in row[12])
        ended = next(row for row in rows(hotline) if row[0] == "HANGUP" and row[3] == dialled[3])
        told = json.loads(ended[12])
        ends[number] = told["dialstatus"], told["hangupcause"]
        came.append(came_of(await over(hotline, result["dial_ref"])))
        if number == f"+86{UNIT}":
            assert share(read(done.with_name(f"{done.stem}-agent.wav")), agent.said(span)) > KEPT
            assert share(read(done.with_name(f"{done.stem}-citizen.wav")), unit.said(span)) > KEPT
        assert not [row for row in rows(hotline) if row[0] == "HotlineOffered" and row[3] == dialled[3]]
    assert list(ends.values()) == [("ANSWER", 16), ("BUSY", 17), ("NOANSWER", 21), ("NOANSWER", 0)]
    assert came == ["reached", "busy", "no_answer", "no_answer"], "the tones change nothing"


def rows(hotline: Hotline) -> list[list[str]]:
    return list(csv.reader(io.StringIO(hotline.cel())))
