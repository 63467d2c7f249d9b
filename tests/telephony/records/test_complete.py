"""Calls that the router saw in part or not at all, made complete from the CEL that the same Asterisk wrote."""

import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telephony.ami.protocol import AmiMessage
from telephony.calls.facts import Source
from telephony.calls.model import Call
from telephony.calls.reducer import Reducer
from telephony.records.cel import CEL_FILE, row_time, translate
from telephony.records.compare import differences, same
from telephony.records.complete import complete, recover
from telephony.records.errors import RecordsUnreadable
from telephony.records.tail import lines_since
from tests.telephony.calls.captures import FOLDER, NAMES, messages, reduced

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
# AMI stamps a moment when it writes the event, CEL when it happens: up to 14 ms later on a loaded machine.
CLOCKS_SECONDS = 0.05


def log_dir(folder: Path, name: str) -> Path:
    """An Asterisk log directory that holds the capture's own records."""
    (folder / CEL_FILE).parent.mkdir(parents=True)
    shutil.copy(FOLDER / f"{name}.cel.csv", folder / CEL_FILE)
    return folder


def cel(name: str) -> list[AmiMessage]:
    lines = (FOLDER / f"{name}.cel.csv").read_bytes().splitlines()
    return [message for line in lines for message in translate(line)]


def without_hold(call: Call) -> Call:
    segments = tuple(replace(segment, hold_seconds=None) for segment in call.segments)
    return replace(call, hold_seconds=None, segments=segments)


def assert_same(found: dict[str, Call], expected: dict[str, Call]) -> None:
    assert found.keys() == expected.keys()
    for call_ref, call in expected.items():
        assert differences(found[call_ref], call, CLOCKS_SECONDS) == []


@pytest.mark.parametrize("name", NAMES)
def test_asterisks_records_alone_tell_the_same_calls(name: str, tmp_path: Path) -> None:
    found = {call.call_ref: call for call in complete(log_dir(tmp_path, name), LONG_AGO, [])}
    assert_same(found, reduced(messages(name)))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_known_rightly_is_not_told_again(name: str, tmp_path: Path) -> None:
    known = reduced(messages(name)).values()
    assert complete(log_dir(tmp_path, name), LONG_AGO, known) == []


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=st.sampled_from(NAMES), data=st.data())
def test_events_lost_in_a_gap_are_made_good(name: str, data: st.DataObject) -> None:
    stream = messages(name)
    begin = data.draw(st.integers(0, len(stream)))
    end = data.draw(st.integers(begin, len(stream)))
    reducer = Reducer()
    calls = reduced(stream[:begin], reducer)
    calls |= reduced(cel(name), reducer, Source.CEL)
    calls |= reduced(stream[end:], reducer)
    # Holding is told by the manager port alone: what of it fell into the gap is not known.
    assert_same(*({ref: without_hold(call) for ref, call in told.items()} for told in (calls, reduced(stream))))


def test_a_router_that_dies_and_returns_stores_the_whole_call(tmp_path: Path) -> None:
    stream = messages("answered_by_queue")
    answered = next(at for at, message in enumerate(stream) if message.name == "AgentConnect")
    stored = reduced(stream[:answered])
    [before] = stored.values()
    assert before.outcome == "in_progress"
    [after] = recover(Reducer(), log_dir(tmp_path, "answered_by_queue"), before.offered_at, stored.values(), alive=())
    assert after.outcome == "answered"
    [whole] = reduced(stream).values()
    assert same(after, whole, CLOCKS_SECONDS)


def test_a_call_that_died_with_asterisk_is_ended(tmp_path: Path) -> None:
    folder = log_dir(tmp_path, "answered_by_queue")
    rows = (folder / CEL_FILE).read_bytes().splitlines(keepends=True)
    (folder / CEL_FILE).write_bytes(b"".join(row for row in rows if b"BRIDGE_EXIT" not in row and b"HANGUP" not in row))
    reducer = Reducer()
    [talking] = recover(reducer, folder, LONG_AGO, alive=None)
    assert talking.outcome == "in_progress"
    [ended] = recover(reducer, folder, LONG_AGO, [talking], alive=frozenset())
    assert ended.outcome == "answered"
    assert ended.ended_at is not None


def test_a_stored_call_that_left_no_record_is_ended_once_its_channel_is_gone(tmp_path: Path) -> None:
    stream = messages("answered_by_queue")
    answered = next(at for at, message in enumerate(stream) if message.name == "BridgeEnter") + 2
    [talking] = reduced(stream[:answered]).values()
    assert (talking.outcome, len(talking.segments)) == ("in_progress", 1)
    assert recover(Reducer(), tmp_path, LONG_AGO, [talking], alive={talking.call_ref}) == []
    [ended] = recover(Reducer(), tmp_path, LONG_AGO, [talking], alive=())
    assert (ended.outcome, ended.ended_at, ended.talk_seconds) == ("answered", talking.answered_at, 0.0)
    [waiting] = reduced(stream[: answered - 6]).values()
    [failed] = recover(Reducer(), tmp_path, LONG_AGO, [waiting], alive=())
    assert (failed.outcome, failed.ended_at) == ("failed", waiting.offers[-1].ended_at)


def test_a_half_told_call_from_before_is_left_alone(tmp_path: Path) -> None:
    [call] = reduced(messages("answered_by_queue")).values()
    folder = log_dir(tmp_path, "answered_by_queue")
    later = call.offered_at + timedelta(microseconds=500)
    assert complete(folder, later, []) == []
    assert complete(folder, later, [call]) == []


def test_no_records_yet_is_no_error_but_unreadable_ones_are(tmp_path: Path) -> None:
    assert complete(tmp_path, LONG_AGO, []) == []
    (tmp_path / CEL_FILE).mkdir(parents=True)
    with pytest.raises(RecordsUnreadable, match=r"cel\.csv"):
        complete(tmp_path, LONG_AGO, [])


@pytest.mark.parametrize(
    "row",
    [
        b"",
        b'"CHAN_START"',
        b'"CHAN_START","1795437382.100131","","1795437382.20',
        b"\xff\x00garbage",
        b'"HANGUP","soon",' + b",".join([b'""'] * 11),
        b'"HANGUP","1795437382.1",' + b",".join([b'""'] * 9),
        b'"ANSWER","1795437382.100131","","1.2","1.2","PJSIP/8001-1","","8001","s","agents","","",""',
        b'"UnknownEvent","1795437382.100131","","1.2","1.2","PJSIP/8001-1","","8001","s","agents","","",""',
    ],
)
def test_a_damaged_or_unknown_row_says_nothing(row: bytes) -> None:
    assert translate(row) == []


def test_extra_that_is_no_json_costs_only_itself() -> None:
    row = b'"HANGUP","1795437382.100131","","1.2","1.2","PJSIP/8001-1","","8001","s","agents","","","{broken"'
    assert [message.name for message in translate(row)] == ["Hangup"]


def test_a_query_string_cannot_set_other_headers() -> None:
    extra = b'"{""extra"":""CallRef=1.2&Uniqueid=9.9&Timestamp=1.000000&Via=queue""}"'
    row = b'"HotlineVia","1795437382.100131","HotlineVia","1.2","1.2","PJSIP/c-1","","138","s","citizen","","",' + extra
    [message] = translate(row)
    assert (message.get("Uniqueid"), message.get("Via")) == ("1.2", "queue")
    assert message.get("Timestamp") == "1795437382.100131"


def cel_row(second: int) -> bytes:
    return b'"CHAN_START","%d.000000","","1.2","1.2","PJSIP/8001-1","","8001","s","agents","","",""\n' % second


def test_the_end_of_a_long_log_is_found_without_reading_it_all(tmp_path: Path) -> None:
    path = tmp_path / "cel.csv"
    path.write_bytes(b"".join(cel_row(second) for second in range(1_000_000, 1_030_000)))
    read = 0

    def counting(line: bytes) -> int | None:
        nonlocal read
        read += 1
        return row_time(line)

    for since in (0, 1_000_000, 1_012_345, 1_029_999, 1_030_000):
        read = 0
        found = list(lines_since(path, since * 1_000_000, counting))
        assert len(found) == min(30_000, max(0, 1_030_000 - since))
        assert read < len(found) + 2000


def test_a_row_still_being_written_is_left_for_the_next_time(tmp_path: Path) -> None:
    path = tmp_path / "cel.csv"
    path.write_bytes(cel_row(1) + cel_row(2).removesuffix(b"\n"))
    assert len(list(lines_since(path, 0, row_time))) == 1


def test_a_log_rotated_during_the_gap_is_read_on_both_sides(tmp_path: Path) -> None:
    path = tmp_path / "cel.csv"
    (tmp_path / "cel.csv.1").write_bytes(cel_row(100) + cel_row(200))
    (tmp_path / "cel.csv.2").write_bytes(cel_row(50))
    os.utime(tmp_path / "cel.csv.1", (200, 200))
    os.utime(tmp_path / "cel.csv.2", (50, 50))
    path.write_bytes(cel_row(300))
    times = [row_time(line) for line in lines_since(path, 150_000_000, row_time)]
    assert times == [200_000_000, 300_000_000]
