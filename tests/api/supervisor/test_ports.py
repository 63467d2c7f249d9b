import socket
import threading
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from api.supervisor.machine import settle
from api.supervisor.ports import MOST_SYSTEMS, STEP, Ports, PortTakenError, choose, claim, write
from telephony.asterisk.process import free_port

HOST = "127.0.0.1"
WANTED = Ports(http=8012, ami=42038, sip=42060, rtp_first=30000, rtp_last=30999)


def test_a_second_system_gets_the_next_ports_and_sound_of_its_own() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((HOST, WANTED.sip))
        ports, held = choose(WANTED, HOST)
        held.close()
        assert ports == Ports(8012, WANTED.ami + STEP, WANTED.sip + STEP, 31000, 31999)


def test_free_ports_are_taken_as_wanted_and_kept_in_a_file(tmp_path: Path) -> None:
    ports, held = choose(WANTED, HOST)
    held.close()
    write(tmp_path / "data" / "ports.toml", ports)
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


def test_systems_that_start_at_once_choose_ports_apart_and_one_that_ended_leaves_its_own(tmp_path: Path) -> None:
    together = threading.Barrier(6)

    def start(number: int) -> tuple[int, int]:
        together.wait()
        with settle(tmp_path / str(number), free_port()) as settings:
            # All have chosen before the first Asterisk binds what was chosen.
            together.wait()
            return settings.ami.port, settings.sip.port

    with ThreadPoolExecutor(6) as pool:
        chosen = list(pool.map(start, range(6)))
    for ports in zip(*chosen, strict=True):
        assert len(set(ports)) == 6, chosen
    assert start_again(tmp_path / "0") == chosen[0]


def start_again(folder: Path) -> tuple[int, int]:
    with settle(folder, free_port()) as settings:
        return settings.ami.port, settings.sip.port


def test_ports_that_were_settled_and_are_another_systems_now_are_refused_with_what_to_set(tmp_path: Path) -> None:
    _, sip = start_again(tmp_path)
    other = claim(HOST, sip)
    assert other
    with other, pytest.raises(PortTakenError, match=rf"{sip}.*another zhitong.*ports\.toml"):
        start_again(tmp_path)
