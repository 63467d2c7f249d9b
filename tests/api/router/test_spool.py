"""What the database does not know yet: written in the order it came, read again, bounded, never in the way."""

from pathlib import Path

import pytest

from api.router.spool import MAX_IN_MEMORY, Spool
from telephony.ami.protocol import AmiMessage, Malformed, encode_message, parse
from telephony.calls.replay import read_capture
from tests.telephony.calls.captures import FOLDER, NAMES, messages


def numbered(number: int) -> AmiMessage:
    return AmiMessage("event", "Newchannel", {"Event": "Newchannel", "Uniqueid": f"1.{number}"})


def numbers(found: list[AmiMessage]) -> list[str]:
    return [message.get("Uniqueid") for message in found]


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.ami"))


def test_nothing_is_written_while_the_database_takes_it(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    for number in range(MAX_IN_MEMORY * 3):
        spool.add(numbered(number))
        spool.begin()
        spool.stored()
    assert not (tmp_path / "spool").exists()


def test_an_outage_goes_to_disk_in_order_and_is_gone_when_it_is_stored(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.add(numbered(1))
    spool.begin()
    spool.add(numbered(2))
    spool.failed()
    spool.add(numbered(3))
    spool.begin()
    spool.add(numbered(4))
    assert numbers(list(Spool(tmp_path).left())) == ["1.1", "1.2", "1.3", "1.4"], "a router that died now left all"
    spool.stored()
    assert numbers(list(Spool(tmp_path).left())) == ["1.4"], "what came while storing is still to be stored"
    spool.begin()
    spool.stored()
    assert files(tmp_path) == []


def test_a_database_that_never_answers_does_not_fill_the_memory(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.begin()
    for number in range(2 * MAX_IN_MEMORY):
        spool.add(numbered(number))
    assert numbers(list(Spool(tmp_path).left())) == [f"1.{number}" for number in range(2 * MAX_IN_MEMORY)]


def test_what_a_dead_router_left_stays_until_it_is_stored(tmp_path: Path) -> None:
    dead = Spool(tmp_path)
    dead.failed()
    dead.add(numbered(1))
    with files(tmp_path)[0].open("ab") as torn:
        torn.write(b"Event: Hangup\r\nUniq")
    spool = Spool(tmp_path)
    assert numbers(list(spool.left())) == ["1.1"]
    spool.begin()
    spool.stored()
    assert len(files(tmp_path)) == 1, "its calls are not whole yet"
    spool.settle()
    spool.begin()
    spool.stored()
    assert files(tmp_path) == []


def test_a_full_spool_says_where_it_ends_and_grows_no_more(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=1000)
    spool.failed()
    for number in range(100):
        spool.add(numbered(number))
    [file] = files(tmp_path)
    assert file.stat().st_size < 1100
    found = [message for message in read_capture(file) if isinstance(message, AmiMessage)]
    assert [message.name for message in found] == ["Newchannel"] * (len(found) - 1) + ["SpoolFull"]
    spool.begin()
    spool.stored()
    spool.failed()
    spool.add(numbered(7))
    assert numbers(list(Spool(tmp_path).left())) == ["1.7"], "after the outage there is room again"


def test_a_disk_that_refuses_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file where the folder should be")
    spool = Spool(tmp_path / "spool")
    spool.failed()
    spool.add(numbered(1))
    spool.begin()
    spool.stored()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_spooled_reads_as_it_came(name: str, tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.failed()
    for message in messages(name):
        spool.add(message)
    assert list(Spool(tmp_path).left()) == list(messages(name))


def test_a_message_encoded_is_the_same_message() -> None:
    for block in (FOLDER / "hostile_names.ami").read_bytes().split(b"\r\n\r\n"):
        for found in parse(block):
            if not isinstance(found, Malformed):
                assert parse(encode_message(found).removesuffix(b"\r\n\r\n")) == [found]
