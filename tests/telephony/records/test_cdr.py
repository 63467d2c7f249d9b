"""Master.csv as cdr_csv of Asterisk 22 writes it: legs read, hostile names and torn rows harmless."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from telephony.records.cdr import CDR_FILE, cdr_calls, cdr_legs, parse, row_time
from tests.telephony.calls.captures import FOLDER

ROW = (
    '"","13800001111","s","citizen","""NAME"" <13800001111>","PJSIP/citizen-00000001","PJSIP/8001-00000002","Queue",'
    '"hotline,r,,,60","2026-11-23 12:57:12","2026-11-23 12:57:13","2026-11-23 12:57:17",5,4,"ANSWERED",'
    '"DOCUMENTATION","1795438632.6"'
)
ENDED_US = 1795438637_000_000


def test_a_leg_says_who_answered_and_for_how_long() -> None:
    leg = parse(ROW.encode())
    assert leg is not None
    assert (leg.call_ref, leg.agent, leg.answered, leg.talk_seconds) == ("1795438632.6", "8001", True, 4)
    assert leg.answered_at == datetime(2026, 11, 23, 12, 57, 13, tzinfo=UTC)
    assert row_time(ROW.encode()) == ENDED_US


@pytest.mark.parametrize("name", ['x"",""y', "长" * 40, "=HYPERLINK(1)", "2026-11-23 12:57:17", "\u2028\x85\x0b"])
def test_a_callers_name_changes_nothing_behind_it(name: str) -> None:
    row = ROW.replace("NAME", name).encode()
    assert row_time(row) == ENDED_US
    leg = parse(row)
    assert leg is not None
    assert (leg.call_ref, leg.agent) == ("1795438632.6", "8001")


@pytest.mark.parametrize(
    "row",
    [
        "",
        ROW[:150],
        ROW[:-3],
        ROW.replace("2026-11-23 12:57:17", "2026-13-23 12:57:17"),
        ROW.replace(",5,4,", ",5,,"),
        ROW.replace("1795438632.6", ""),
        "\x00" * 40,
    ],
)
def test_a_damaged_row_says_nothing(row: str) -> None:
    assert parse(row.encode()) is None or row_time(row.encode()) is None


def test_a_row_behind_a_torn_one_is_read() -> None:
    torn = ROW[: ROW.index('"Queue"')]
    leg = parse((torn + ROW).encode())
    assert leg is not None
    assert (leg.call_ref, leg.talk_seconds) == ("1795438632.6", 4)


def test_what_agents_dial_for_themselves_is_no_citizens_call() -> None:
    rows = (FOLDER / "attended_transfer.cdr.csv").read_bytes().splitlines()
    calls = cdr_calls(leg for row in rows if (leg := parse(row)))
    assert list(calls) == ["1795438715.272"]
    assert [leg.agent for leg in calls["1795438715.272"].answered] == ["8001", "8002"]


def test_a_period_is_read_by_when_legs_ended(tmp_path: Path) -> None:
    (tmp_path / CDR_FILE).parent.mkdir()
    later = ROW.replace("12:57:1", "13:57:1")
    (tmp_path / CDR_FILE).write_text(f"{ROW}\n{later}\n")
    assert len(list(cdr_legs(tmp_path, ENDED_US))) == 2
    assert len(list(cdr_legs(tmp_path, ENDED_US, ENDED_US + 1))) == 1
    assert len(list(cdr_legs(tmp_path, ENDED_US + 1))) == 1
