"""What callers write into their numbers and names goes through parser, reducers and storage, and harms nobody."""

import pytest
from sqlalchemy import func, select

from api.agents.service import current_spells, store_revisions
from api.calls.models import CallRow
from api.calls.service import by_refs, calls_json, store_calls
from api.kit.database import Database
from telephony.agents.reducer import SpellReducer
from telephony.ami.protocol import AmiMessage, Framer, parse
from telephony.calls.events import MAX_NUMBER_CHARACTERS
from telephony.calls.reducer import Reducer
from tests.telephony.calls.captures import messages, reduced

HOSTILE: tuple[tuple[bytes, str], ...] = (
    (b"1\r\n2", "1"),
    ("1\u2028Event: Hangup\u2028Uniqueid: 1795430000.1".encode(), "1Event: HangupUniqueid: 1795430000.1"),
    (b"'; DROP TABLE calls; --", "'; DROP TABLE calls; --"),
    (b"<script>alert(1)</script>", "<script>alert(1)</script>"),
    (b"=HYPERLINK(1)", "=HYPERLINK(1)"),
    ("😀".encode() * 1024, "😀" * MAX_NUMBER_CHARACTERS),
    (b"\xff\xfe138\xc3", "\ufffd\ufffd138\ufffd"),
    (b"138\x00\x01\x7f", "138"),
    (b"${SHELL(id)}", "${SHELL(id)}"),
)
QUEUED = (
    b"Event: %s\r\nTimestamp: 1795430000.%06d\r\nChannel: PJSIP/citizen-1\r\nCallerIDNum: %s\r\nCallerIDName: %s\r\n"
    b"Uniqueid: 1795430000.1\r\nLinkedid: 1795430000.1\r\nQueue: hotline\r\n\r\n"
)
PAUSED = (
    b"Event: QueueMemberPause\r\nTimestamp: 1795430000.000000\r\nQueue: hotline\r\nStateInterface: PJSIP/8001\r\n"
    b"Status: 1\r\nPaused: 1\r\nPausedReason: %s\r\n\r\n"
)


def parsed(stream: bytes) -> list[AmiMessage]:
    blocks = [block for block in Framer().feed(stream) if isinstance(block, bytes)]
    return [found for block in blocks for found in parse(block) if isinstance(found, AmiMessage)]


@pytest.mark.parametrize(("value", "kept"), HOSTILE)
async def test_a_hostile_number_and_name_are_stored_as_text(database: Database, value: bytes, kept: str) -> None:
    names = (b"Newchannel", b"QueueCallerJoin", b"HangupRequest", b"Hangup")
    stream = b"".join(QUEUED % (name, number, value, value) for number, name in enumerate(names))
    [call] = reduced(parsed(stream), Reducer()).values()
    async with database.session() as session:
        await store_calls(session, [call])
        [row] = await by_refs(session, [call.call_ref])
        [shape] = await calls_json(session, [row])
        assert (row.call_ref, row.caller, row.outcome) == ("1795430000.1", kept, "short_abandoned")
        assert shape["caller"] == kept


@pytest.mark.parametrize(("value", "kept"), HOSTILE[1:])
async def test_a_hostile_reason_is_stored_as_text(database: Database, value: bytes, kept: str) -> None:
    reducer = SpellReducer()
    revisions = [revision for message in parsed(PAUSED % value) for revision in reducer.apply(message)]
    async with database.session() as session:
        await store_revisions(session, revisions)
        [spell] = await current_spells(session)
        assert spell.reason is not None
        assert spell.reason.startswith(kept)


async def test_calls_with_hostile_names_are_calls_like_any_other(database: Database) -> None:
    calls = list(reduced(messages("hostile_names")).values())
    async with database.session() as session:
        assert len(await store_calls(session, calls)) == 11
        assert await session.scalar(select(func.count()).select_from(CallRow)) == 11
