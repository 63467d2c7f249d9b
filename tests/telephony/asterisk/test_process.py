import asyncio
import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from telephony.asterisk.configure import AgentSeat, SiteError, Trunk, render
from telephony.asterisk.install import AsteriskInstall, Program
from telephony.asterisk.process import AsteriskProcess, AsteriskStartError, PortTakenError, check_ports
from telephony.phones import AgentPhone, place_call
from tests.telephony.conftest import SEATS, noise, site_for


def test_a_taken_sip_port_is_named_before_the_start(tmp_path: Path, install: AsteriskInstall) -> None:
    site = site_for(tmp_path)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", site.sip_port))
        with pytest.raises(PortTakenError, match=f"SIP port {site.sip_port} .* is taken .*ports.toml"):
            AsteriskProcess(site, install).start()
    assert not (tmp_path / "asterisk").exists()


def test_a_taken_ami_port_is_named_before_the_start(tmp_path: Path, install: AsteriskInstall) -> None:
    site = site_for(tmp_path)
    with socket.socket() as other:
        other.bind(("127.0.0.1", site.ami_port))
        other.listen()
        with pytest.raises(PortTakenError, match=f"AMI port {site.ami_port} .* is taken .*ports.toml"):
            AsteriskProcess(site, install).start()


def test_an_asterisk_that_cannot_start_says_why(tmp_path: Path, install: AsteriskInstall) -> None:
    tmp_path.chmod(0o755)
    empty = tmp_path / "modules"
    empty.mkdir()
    process = AsteriskProcess(site_for(tmp_path / "data"), replace(install, module_dir=empty))
    process.start()
    with pytest.raises(AsteriskStartError, match=r"ended at once with status .*\.so") as caught:
        process.wait_ready(15)
    assert str(tmp_path / "data") in str(caught.value)
    assert not process.is_running()


@pytest.mark.parametrize("what", ["sip", "ami"])
def test_a_port_taken_while_asterisk_starts_is_found_in_its_log(
    tmp_path: Path, install: AsteriskInstall, what: str
) -> None:
    tmp_path.chmod(0o755)
    site = site_for(tmp_path / "data")
    process = AsteriskProcess(site, install)
    kind = socket.SOCK_DGRAM if what == "sip" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as other:
        process.start()
        other.bind(("127.0.0.1", site.sip_port if what == "sip" else site.ami_port))
        if what == "ami":
            other.listen()
        with pytest.raises(PortTakenError, match=str(site.sip_port if what == "sip" else site.ami_port)):
            process.wait_ready(5)
    assert not process.is_running()


def test_a_program_that_is_gone_says_what_to_do(tmp_path: Path, install: AsteriskInstall) -> None:
    gone = replace(install, asterisk=Program((str(tmp_path / "asterisk"),), {}))
    process = AsteriskProcess(site_for(tmp_path / "data"), gone)
    if os.geteuid() == 0:  # setpriv is there and reports it, in its own words
        process.start()
        with pytest.raises(AsteriskStartError, match="No such file"):
            process.wait_ready(5)
    else:
        with pytest.raises(AsteriskStartError, match="set up again"):
            process.start()


def test_stopped_asterisk_frees_its_ports(tmp_path: Path, install: AsteriskInstall) -> None:
    tmp_path.chmod(0o755)
    site = site_for(tmp_path / "data")
    with AsteriskProcess(site, install) as process:
        assert process.pid is not None
        with pytest.raises(PortTakenError):
            check_ports(site)
    check_ports(site)
    assert process.pid is None


async def test_below_a_closed_directory_a_recording_is_made_and_marked_complete(
    tmp_path: Path, install: AsteriskInstall
) -> None:
    """As with a checkout in /root: nobody else may pass, yet Asterisk is not root."""
    noise(tmp_path / "citizen.wav", 1, 0.5)
    (tmp_path / "closed").mkdir(mode=0o700)
    site = site_for(tmp_path / "closed" / "data")
    with AsteriskProcess(site, install):
        async with AgentPhone(install, site, SEATS[0], answer_after=0.1):
            placed = await place_call(install, site, tmp_path / "citizen.wav")
        await asyncio.sleep(0.5)
    assert placed.answered
    suffixes = sorted(
        path.name.partition("--8001--")[2][16:] for path in site.directories.recordings.glob("*--8001--*")
    )
    assert suffixes == ["-agent.wav", "-citizen.wav", ".done", ".wav"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"agents": ()}, "no agent seats"),
        ({"agents": (SEATS[0], SEATS[0])}, "8001 is given to two agents"),
        ({"agents": (replace(SEATS[0], extension="80a1"),)}, "not made of digits"),
        ({"agents": (replace(SEATS[0], password="a;b\n[x]secret"),)}, "SIP password"),
        ({"agents": (replace(SEATS[0], penalty=-1),)}, "negative"),
        ({"agents": (replace(SEATS[0], extension="12345"),)}, "differ from every agent"),
        ({"queue": "hot line"}, "letters, digits"),
        ({"ami_secret": "x"}, "letters, digits"),
        ({"sip_address": "127.0.0.1\n[evil]"}, "neither an address"),
        ({"trunk": Trunk("carrier", ("192.0.2.0/24",))}, "is a network: calls go out to it"),
        ({"rtp_start": 30000, "rtp_end": 20000}, "RTP ports"),
        ({"data_dir": Path("/tmp/a,b")}, "character that Asterisk"),  # noqa: S108
    ],
)
def test_a_site_that_would_not_survive_in_a_file_is_refused(
    tmp_path: Path, install: AsteriskInstall, change: dict[str, object], words: str
) -> None:
    with pytest.raises(SiteError, match=words):
        render(replace(site_for(tmp_path), **change), install)  # type: ignore[arg-type]


def test_drill_seats_are_refused_beside_a_trunk(tmp_path: Path, install: AsteriskInstall) -> None:
    drill = AgentSeat("8091", "8091", 0, "secret-password-8091", drill=True)
    site = replace(site_for(tmp_path), agents=(*SEATS, drill), trunk=None)
    render(site, install)
    with pytest.raises(SiteError, match="trunk and drill seats"):
        render(replace(site, trunk=Trunk("carrier", ("192.0.2.1",))), install)


def test_a_trunks_calls_come_in_as_citizens_and_are_answered_before_the_carrier_cuts_them(
    tmp_path: Path, install: AsteriskInstall
) -> None:
    etc = render(replace(site_for(tmp_path), trunk=Trunk("carrier", ("192.0.2.1",))), install).parent
    pjsip = (etc / "pjsip.conf").read_text()
    assert "[carrier]\ntype = endpoint\ncontext = hotline" in pjsip
    assert "match = 192.0.2.1" in pjsip
    assert "Answer()" in (etc / "extensions.conf").read_text()
