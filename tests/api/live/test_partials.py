import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import psycopg
import pytest

from api.calls import service as calls
from api.jobs.talk import Talk, taken_back
from api.kit.database import Database
from api.live import partials
from api.live.partials import CHANNEL, Message, Partials
from asr.live import Heard, Partial
from tests.api import samples
from tests.api.conftest import NewToken

RECORDING = "1.1--8001--1763870004200000"


def _message(text: str, start: float = 1.0, speaker: str = "citizen") -> Message:
    return Message("1.1", RECORDING, speaker, start, text)


def _payload(message: Message) -> str:
    return json.dumps(message.to_json())


async def _next(watched: AsyncIterator[Message]) -> Message:
    async with asyncio.timeout(10):
        return await anext(watched)


async def test_a_late_watcher_gets_the_latest_words_of_each_speaker_at_once() -> None:
    kept = Partials()
    for message in (_message("我要"), _message("我要反映"), _message("您好", 0.2, "agent")):
        kept.take(_payload(message))
    watched = kept.watch("1.1")
    assert [await _next(watched), await _next(watched)] == [_message("我要反映"), _message("您好", 0.2, "agent")]


async def test_words_that_are_stored_are_forgotten_and_later_ones_stay() -> None:
    kept = Partials()
    kept.take(_payload(_message("我要反映", 1.0)))
    kept.take(_payload(_message("您好", 0.2, "agent")))
    kept.take(_payload(_message("", 2.5)))
    assert await _next(kept.watch("1.1")) == _message("您好", 0.2, "agent")
    kept.take(_payload(_message("路灯", 3.0)))
    kept.take(_payload(_message("", 2.5)))
    watched = kept.watch("1.1")
    assert {(await _next(watched)).text, (await _next(watched)).text} == {"您好", "路灯"}


async def test_a_slow_watcher_gets_the_latest_words_and_what_took_the_others_back() -> None:
    kept = Partials()
    watched = kept.watch("1.1")
    waiting = asyncio.ensure_future(anext(watched))
    await asyncio.sleep(0)
    for number in range(1000):
        kept.take(_payload(_message("字" * (number + 1))))
    kept.take(_payload(_message("", 2.5)))
    kept.take(_payload(_message("路灯", 3.0)))
    assert [(await waiting).text, (await _next(watched)).text] == ["", "路灯"]


async def test_who_goes_away_leaves_nothing_behind() -> None:
    kept = Partials()
    watched = kept.watch("1.1")
    waiting = asyncio.ensure_future(anext(watched))
    await asyncio.sleep(0)
    assert kept._watchers
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert not kept._watchers


async def test_old_words_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Partials()
    kept.take(_payload(_message("我要反映")))
    monkeypatch.setattr(partials, "_FORGOTTEN_SECONDS", 0.0)
    kept._sweep(kept._swept_at + 60)
    assert not kept._kept


def test_what_is_no_message_is_passed_over() -> None:
    kept = Partials()
    for payload in ("", "{", "[]", '"text"', '{"call_ref": "1.1"}'):
        kept.take(payload)
    assert not kept._kept


async def test_the_worker_sends_the_latest_words_of_each_speaker(database: Database, database_url: str) -> None:
    talk = Talk(database)
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute(f"LISTEN {CHANNEL}")
        talk.say("1.1", Partial(RECORDING, "citizen", "我", 1.0, 1.2))
        talk.say("1.1", Partial(RECORDING, "citizen", "我\0要" + "很" * 5000, 1.0, 1.4))
        talk.say("1.1", Partial(RECORDING, "agent", "您好", 0.2, 0.6))
        running = asyncio.ensure_future(talk.run())
        received = [json.loads(notice.payload) async for notice in connection.notifies(timeout=10, stop_after=2)]
        talk.say("1.1", Partial(RECORDING, "citizen", "路灯", 3.0, 3.2))
        talk.heard(Heard(RECORDING, "citizen", None, 4.0))
        talk.say("1.1", Partial(RECORDING, "agent", "好的", 4.0, 4.2))
        received += [json.loads(notice.payload) async for notice in connection.notifies(timeout=10, stop_after=1)]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert [message["speaker"] for message in received] == ["citizen", "agent", "agent"]
    assert received[0]["text"] == "很" * 1500
    assert received[2]["text"] == "好的", "words that are stored by now are not sent any more"


def test_an_utterance_takes_back_its_words() -> None:
    heard = [Heard(RECORDING, "citizen", None, 4.0), Heard(RECORDING, "citizen", None, 7.0)]
    assert taken_back("1.1", heard) == [_message("", 7.0)]


async def test_the_words_arrive_on_the_page_while_the_change_feed_goes_on(
    address: str, database: Database, new_token: NewToken
) -> None:
    headers = {"Authorization": f"Bearer {await new_token('agent')}"}
    async with database.session() as session:
        await calls.store_calls(session, [samples.call("1.1")])

    async def say(*messages: Message) -> None:
        async with database.session() as session:
            await partials.send(session, messages)

    async with httpx.AsyncClient(base_url=address, timeout=30, headers=headers) as client:
        assert (await client.get("/api/v1/calls/9.9/live")).status_code == 404
        nobody = {"Authorization": "Bearer zt_nobody"}
        assert (await client.get("/api/v1/calls/1.1/live", headers=nobody)).status_code == 401
        async with asyncio.timeout(20):
            while (await client.get("/readyz")).status_code != 200:
                await asyncio.sleep(0.02)
        await say(_message("我要反映"))
        found: list[dict[str, object]] = []
        async with client.stream("GET", "/api/v1/calls/1.1/live") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            async for line in answer.aiter_lines():
                if line.startswith("event: "):
                    assert line == "event: partial"
                if not line.startswith("data: "):
                    continue
                found.append(json.loads(line.removeprefix("data: ")))
                if len(found) == 1:
                    async with database.session() as session:
                        await calls.store_calls(session, [samples.call("1.2")])
                    await say(Message("1.2", RECORDING, "citizen", 0.0, "另一个电话"), _message("", 2.0))
                if len(found) == 2:
                    await say(_message("路灯", 2.4))
                if len(found) == 3:
                    break
        assert found == [
            message.to_json() for message in (_message("我要反映"), _message("", 2.0), _message("路灯", 2.4))
        ]
        async with asyncio.timeout(20):
            while (await client.get("/api/v1/calls/1.2")).status_code != 200:
                await asyncio.sleep(0.02)
