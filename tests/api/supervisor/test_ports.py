import socket
import tomllib
from pathlib import Path

import pytest

from api.supervisor.ports import MOST_SYSTEMS, STEP, Ports, PortTakenError, choose, write

HOST = "127.0.0.1"
WANTED = Ports(http=8012, ami=42038, sip=42060, rtp_first=30000, rtp_last=30999)


def test_a_second_system_gets_the_next_ports_and_sound_of_its_own() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((HOST, WANTED.sip))
        assert choose(WANTED, HOST) == Ports(8012, WANTED.ami + STEP, WANTED.sip + STEP, 31000, 31999)


def test_free_ports_are_taken_as_wanted_and_kept_in_a_file(tmp_path: Path) -> None:
    write(tmp_path / "data" / "ports.toml", choose(WANTED, HOST))
    stored = tomllib.loads((tmp_path / "data" / "ports.toml").read_text(encoding="utf-8"))
    assert stored["sip"] == {"port": 42060, "rtp_first_port": 30000, "rtp_last_port": 30999}
    assert (stored["http"]["port"], stored["ami"]["port"]) == (8012, 42038)


def test_when_no_pair_is_free_it_says_what_to_set() -> None:
    taken = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(MOST_SYSTEMS)]
    try:
        for k, other in enumerate(taken):
            other.bind((HOST, WANTED.sip + k * STEP))
        with pytest.raises(PortTakenError, match=r"config/zhitong\.toml"):
            choose(WANTED, HOST)
    finally:
        for other in taken:
            other.close()
