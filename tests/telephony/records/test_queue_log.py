"""queue_log as Asterisk 22 writes it: rows of callers read, hostile and torn ones harmless."""

from pathlib import Path

import pytest

from telephony.records.queue_log import (
    QUEUE_LOG_FILE,
    Connected,
    QueueEvent,
    parse,
    queue_calls,
    queue_events,
    row_time,
)

REF = "1795438632.6"


def calls_of(*rows: str) -> dict[str, tuple[list[Connected], str | None]]:
    events = [event for row in rows if (event := parse(row.encode()))]
    return {call.call_ref: (call.connected, call.left) for call in queue_calls(events).values()}


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ("COMPLETECALLER|1|4|1", Connected("8001", 100, 4, "caller")),
        ("COMPLETEAGENT|1|4|1", Connected("8001", 100, 4, "agent")),
        ("BLINDTRANSFER|8002|agents|1|4|1", Connected("8001", 100, 4, "transfer")),
        ("ATTENDEDTRANSFER|BRIDGE|06e3b26b-4df9|1|4|1", Connected("8001", 100, 4, "transfer")),
        ("COMPLETECALLER|1|four|1", Connected("8001", 100, None, "caller")),
        ("COMPLETECALLER", Connected("8001", 100, None, "caller")),
    ],
)
def test_an_agents_talk_and_who_ended_it(end: str, expected: Connected) -> None:
    connect = f"100|{REF}|hotline|8001|CONNECT|1|1795438632.11|1"
    assert calls_of(connect, f"104|{REF}|hotline|8001|{end}") == {REF: ([expected], None)}
    assert calls_of(connect) == {REF: ([Connected("8001", 100)], None)}, "killed while they talked"


@pytest.mark.parametrize("event", ["ABANDON", "EXITWITHTIMEOUT", "EXITEMPTY", "WITHDRAW", "EXITWITHKEY"])
def test_how_a_caller_left_without_an_agent(event: str) -> None:
    assert calls_of(f"100|{REF}|hotline|NONE|ENTERQUEUE||138|1", f"108|{REF}|hotline|NONE|{event}|1|1|8") == {
        REF: ([], event)
    }


@pytest.mark.parametrize("agent", ["8001", "PJSIP/8001", "PJSIP/8001-0000002a"])
def test_an_agent_is_known_by_the_extension(agent: str) -> None:
    assert parse(f"100|{REF}|hotline|{agent}|CONNECT|1|x|1".encode()) == QueueEvent(
        100, REF, "hotline", "8001", "CONNECT", ("1", "x", "1")
    )


@pytest.mark.parametrize(
    "row",
    [
        b"",
        b"|",
        b"100",
        b"1795438653|NONE|NONE|8003|PAUSEALL|lunch",
        b"1795438653|NONE|NONE|NONE|QUEUESTART|",
        b"1795438653|1795438632.6|hotline|8001|RINGNOANSWER|4000",
        b"soon|1795438632.6|hotline|8001|CONNECT|1",
        b"\xb2\xb3|1795438632.6|hotline|8001|CONNECT|1",
        b"999999999999|x|hotline|8001|CONNECT|1",
        b"1795438653||hotline|8001|CONNECT|1",
        b"1795438653|1795438632.6|hotline|8001|CONN",
        b"\xff\x00\xfe|||||||||",
    ],
)
def test_rows_of_no_caller_and_damaged_ones_say_nothing(row: bytes) -> None:
    assert parse(row) is None


def test_what_a_caller_writes_stands_behind_everything_that_is_read() -> None:
    hostile = f"1795438632|{REF}|hotline|NONE|ENTERQUEUE||1|1795438633|{REF}|hotline|8001|CONNECT|1|x|1" + "九" * 4000
    event = parse(hostile.encode())
    assert event is not None
    assert (event.event, event.agent) == ("ENTERQUEUE", "")
    assert max(map(len, event.data)) <= 200


def test_a_row_behind_a_torn_one_is_read_and_has_its_own_time() -> None:
    whole = b"1795438710|1795438700.227|hotline|8001|CONNECT|1|1795438700.232|1"
    for torn in (b"1795438", b"1795438701|17954387", b"1795438701|1795438700.2|hotline|NO", b"\xe5"):
        event = parse(torn + whole)
        assert event is not None, torn
        assert (event.at, event.call_ref, event.event) == (1795438710, "1795438700.227", "CONNECT")
    assert row_time(b"1795438" + whole) == 1795438710_000_000
    assert row_time(b"torn") is None


def test_a_log_that_asterisk_rotated_is_read_on_both_sides(tmp_path: Path) -> None:
    for name, at in (("queue_log.0", 1795438600), ("queue_log", 1795438700)):
        (tmp_path / name).write_text(f"{at}|{REF}|hotline|NONE|ENTERQUEUE||138|1\n")
    (tmp_path / "queue_log-old.txt").write_text("1795438650|9.9|hotline|NONE|ENTERQUEUE||138|1\n")
    assert [event.at for event in queue_events(tmp_path, 0)] == [1795438600, 1795438700]
    assert [event.at for event in queue_events(tmp_path, 0, 1795438650_000_000)] == [1795438600]
    assert list(queue_events(tmp_path / "none", 0)) == []


def test_a_log_renamed_while_it_is_read_is_read_once_and_whole(tmp_path: Path) -> None:
    path = tmp_path / QUEUE_LOG_FILE
    path.write_text("".join(f"{1795438600 + n}|{REF}|hotline|NONE|ENTERQUEUE||138|1\n" for n in range(3)))
    reading = queue_events(tmp_path, 0)
    assert next(reading).at == 1795438600
    path.rename(tmp_path / "queue_log.1")
    path.write_text(f"1795438700|{REF}|hotline|NONE|ABANDON|1|1|8\n")
    assert [event.at for event in reading] == [1795438601, 1795438602]
    assert [event.at for event in queue_events(tmp_path, 0)] == [1795438600, 1795438601, 1795438602, 1795438700]
