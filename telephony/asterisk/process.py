import re
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

from telephony.asterisk.account import account_for
from telephony.asterisk.configure import AsteriskSite, render
from telephony.asterisk.install import AsteriskInstall
from telephony.errors import TelephonyError

_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_BIND_FAILED = re.compile(r"[^|]*(?:[Uu]nable to bind|Address already in use|EADDRINUSE)[^|]*")


class AsteriskStartError(TelephonyError):
    """Asterisk did not come up; the message carries its own last words."""

    error_id = "asterisk_not_startable"


class PortTakenError(AsteriskStartError):
    """A port that Asterisk needs belongs to another program."""

    error_id = "port_taken"


class AsteriskProcess:
    """One Asterisk as a child of this process, in the foreground, never as root."""

    def __init__(self, site: AsteriskSite, install: AsteriskInstall) -> None:
        self.site = site
        self.install = install
        self._child: subprocess.Popen[bytes] | None = None
        self._log_begins = 0

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._child.pid if self.is_running() and self._child else None

    def is_running(self) -> bool:
        """Whether the child lives."""
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        """Write the configuration and start Asterisk. Raises PortTakenError, AsteriskStartError, SiteError.

        Returns at once; `wait_ready` tells when calls can come.
        """
        if self.is_running():
            return
        command, environment = prepare(self.site, self.install)
        log = self.site.directories.log / "console.log"
        self._log_begins = self._messages.stat().st_size if self._messages.is_file() else 0
        try:
            with log.open("wb") as output:
                self._child = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    cwd="/",
                    start_new_session=True,
                )
        except OSError as error:
            raise AsteriskStartError(
                f"{command[0]} cannot be executed ({error}): remove the tools directory and set up again."
            ) from error

    def wait_ready(self, seconds: float = _START_SECONDS) -> None:
        """Wait until the AMI says that all is loaded. Raises AsteriskStartError with the reason why it is not."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.is_running():
                raise self._start_error(f"ended at once with status {self._child.returncode if self._child else None}")
            if _is_booted(self.site):
                if udp_is_free(self.site.sip_address, self.site.sip_port) or _BIND_FAILED.search(self._last_words()):
                    break
                return
            time.sleep(0.05)
        error = self._start_error(
            f"did not answer on AMI port {self.site.ami_port} and SIP port {self.site.sip_port} within {seconds:.0f} s"
        )
        self.stop()
        raise error

    def stop(self) -> None:
        """End Asterisk: politely first, then by force. Returns when it is gone."""
        child = self._child
        if child is None or child.poll() is not None:
            return
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def wait(self) -> int:
        """Wait until Asterisk ends by itself; return its status."""
        if self._child is None:
            raise AsteriskStartError("Asterisk was not started: call start() first.")
        return self._child.wait()

    def __enter__(self) -> Self:
        self.start()
        self.wait_ready()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start_error(self, what: str) -> AsteriskStartError:
        words = self._last_words()
        port = _BIND_FAILED.search(words)
        if port:
            return PortTakenError(
                f"Asterisk {what}: SIP port {self.site.sip_port} or AMI port {self.site.ami_port} was taken meanwhile: "
                f"{port[0].strip()}. Stop the other program or choose other ports."
            )
        return AsteriskStartError(
            f"Asterisk {self.install.version} {what}. Its last words: {words or '(none)'} "
            f"— all of them are in {self.site.directories.log}."
        )

    @property
    def _messages(self) -> Path:
        return self.site.directories.log / "messages.log"

    def _last_words(self) -> str:
        """Return the end of what Asterisk has said since this start."""
        lines: list[str] = []
        for path, begin in ((self._messages, self._log_begins), (self.site.directories.log / "console.log", 0)):
            if path.is_file():
                text = path.read_bytes()[begin:].decode(errors="replace")
                lines += [line for line in text.splitlines() if line.strip() and " NOTICE[" not in line][-8:]
        return " | ".join(lines)[-1500:]


def prepare(site: AsteriskSite, install: AsteriskInstall) -> tuple[list[str], dict[str, str]]:
    """Write the configuration and return the command line and environment that run Asterisk in the foreground.

    For who becomes Asterisk (exec) rather than starts it. Raises what `AsteriskProcess.start` raises.
    """
    check_ports(site)
    config = render(site, install)
    account = account_for(site.directories.all(), [install.module_dir, install.data_dir, config])
    environment = install.asterisk.env() | ({"HOME": "/nonexistent"} if account.wrapper else {})
    # The commands that Asterisk runs have none of its rights: only where they start can they write without a path.
    place = ["env", f"--chdir={site.directories.recordings}"]
    return [*place, *account.wrapper, *install.asterisk.command("-C", str(config), "-f")], environment


def check_ports(site: AsteriskSite) -> None:
    """Raise PortTakenError when another program holds the SIP or the AMI port."""
    if not udp_is_free(site.sip_address, site.sip_port):
        raise PortTakenError(
            f"SIP port {site.sip_port} (UDP, {site.sip_address}) is taken by another program, perhaps an Asterisk: "
            "stop it, or set another port under [sip] in the data directory's ports.toml."
        )
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", site.ami_port))
        except OSError as error:
            raise PortTakenError(
                f"AMI port {site.ami_port} (TCP, 127.0.0.1) is taken by another program ({error.strerror}): "
                "stop it, or set another port under [ami] in the data directory's ports.toml."
            ) from error


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM, address: str = "127.0.0.1") -> int:
    """Return a port that was free a moment ago, chosen by the operating system."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def udp_is_free(address: str, port: int) -> bool:
    """Whether a UDP port can be had on `address`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def _is_booted(site: AsteriskSite) -> bool:
    """Whether an AMI login tells that every module has been loaded (event FullyBooted)."""
    login = f"Action: Login\r\nUsername: {site.ami_user}\r\nSecret: {site.ami_secret}\r\n\r\n"
    try:
        with socket.create_connection(("127.0.0.1", site.ami_port), timeout=1) as connection:
            connection.sendall(login.encode())
            received = b""
            while b"Event: FullyBooted" not in received:
                block = connection.recv(4096)
                if not block:
                    return False
                received += block
            return True
    except OSError:
        return False
