import errno
import socket
from dataclasses import dataclass
from pathlib import Path

from telephony.asterisk.process import udp_is_free

STEP = 10
RTP_STEP = 1000
MOST_SYSTEMS = 20


class PortTakenError(RuntimeError):
    """A port that this system must have is in use by somebody else."""

    error_id = "up.port_taken"


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of one data directory: HTTP, AMI (TCP), SIP (UDP) and the span of RTP (UDP)."""

    http: int
    ami: int
    sip: int
    rtp_first: int
    rtp_last: int

    def to_toml(self) -> str:
        """Return the sections that override config/zhitong.toml."""
        return (
            "# Chosen by `zhitong up` when it first ran on this data directory. Edit while it is down.\n"
            f"[http]\nport = {self.http}\n\n[ami]\nport = {self.ami}\n\n"
            f"[sip]\nport = {self.sip}\nrtp_first_port = {self.rtp_first}\nrtp_last_port = {self.rtp_last}\n"
        )


def choose(wanted: Ports, host: str) -> tuple[Ports, socket.socket]:
    """Return `wanted`, or the next set of ports of which AMI and SIP are free, and the claim to them, to be kept.

    Two systems can run side by side, also when both are started at once. The HTTP port is never moved: people know it.
    Raises PortTakenError when nothing is free.
    """
    for k in range(MOST_SYSTEMS):
        ami, sip = wanted.ami + k * STEP, wanted.sip + k * STEP
        if tcp_is_free(host, ami) and udp_is_free(host, sip) and (held := claim(host, sip)):
            rtp_first, rtp_last = wanted.rtp_first + k * RTP_STEP, wanted.rtp_last + k * RTP_STEP
            return Ports(wanted.http, ami, sip, rtp_first, rtp_last), held
    raise PortTakenError(
        f"No free pair of AMI and SIP ports from {wanted.ami} and {wanted.sip} upwards on {host}. "
        "Set [ami] port and [sip] port in config/zhitong.toml to free ones."
    )


def claim(host: str, sip: int) -> socket.socket | None:
    """Claim a SIP port, which Asterisk binds only seconds later, until the socket is closed; None: it is claimed.

    The claim is a name of Linux's that is no file (unix(7), abstract): it is seen where the port is seen, and ends with
    its process, however that ends.
    """
    held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        held.bind(f"\0zhitong SIP {host}:{sip}")
    except OSError as error:
        held.close()
        if error.errno != errno.EADDRINUSE:
            raise
        return None
    return held


def write(path: Path, ports: Ports) -> None:
    """Store `ports` beside the data they belong to."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(ports.to_toml(), encoding="utf-8")


def tcp_is_free(host: str, port: int) -> bool:
    """Whether a server could listen on `port` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
