import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from telephony.asterisk.desk import DESK_NAME, SITE_NAME, Desk, OtherSite
from telephony.asterisk.directories import SiteDirectories
from telephony.asterisk.install import AsteriskInstall
from telephony.asterisk.music import write_hold_music
from telephony.errors import TelephonyError

TEMPLATES = Path("config/asterisk")
LONGEST_OVERFLOW_SECONDS = 600
_LOWEST_PORT, _HIGHEST_PORT = 1024, 65535
_SAFE_PATH = re.compile(r"/[\w./+@=-]*\Z")
_DIGITS = re.compile(r"\d{1,15}\Z")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}\Z")
# What the dialplan's FILTER lets into a file name and a shell command, and no dash, which separates a name's parts.
_NODE = re.compile(r"[a-z][a-z0-9]{0,19}\Z")
_SECRET = re.compile(r"[A-Za-z0-9_-]{12,128}\Z")


class SiteError(TelephonyError):
    """The description of this Asterisk cannot be made into a configuration; the message says what to change."""

    error_id = "asterisk_site"


@dataclass(frozen=True, slots=True)
class AgentSeat:
    """One agent's phone: a SIP account and a static member of the queue."""

    name: str
    extension: str
    penalty: int
    password: str
    # A seat for phones that a test brings along (`zhitong call`); it is asked first and never beside a trunk.
    drill: bool = False
    # The desks that this seat also belongs to, each with the penalty there: (("enterprise", 0),).
    desks: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Trunk:
    """The carrier's line: calls that come from `hosts` are citizens; calls that go out go to the first of them."""

    name: str
    hosts: tuple[str, ...]
    # Carriers end calls that ring too long: after this many seconds the call is answered and goes on ringing in-band.
    answer_after_seconds: int = 45
    # Where the first of `hosts` takes the calls that go out.
    port: int = 5060


@dataclass(frozen=True, slots=True)
class AsteriskSite:
    """All that one Asterisk needs to know; `render` makes its configuration from it."""

    data_dir: Path
    sip_port: int
    ami_port: int
    ami_secret: str
    rtp_start: int
    rtp_end: int
    agents: tuple[AgentSeat, ...]
    # Any name but main stands in front of every Uniqueid, so that those of several nodes never collide.
    node: str = "main"
    queue: str = "hotline"
    numbers: tuple[str, ...] = ("12345",)
    trunk: Trunk | None = None
    sip_address: str = "127.0.0.1"
    citizen_addresses: tuple[str, ...] = ("127.0.0.2",)
    ami_user: str = "zhitong"
    templates: Path = TEMPLATES
    sticky_seconds: int = 8
    ring_seconds: int = 15
    queue_seconds: int = 60
    deserted_seconds: int = 15
    overflow_seconds: int = 20
    longest_wait_seconds: int = 600
    service_level_seconds: int = 15
    # So long a number outside rings.
    outward_seconds: int = 60
    desks: tuple[Desk, ...] = ()
    sites: tuple[OtherSite, ...] = ()
    # So often each of them is asked whether it is there.
    qualify_seconds: int = 5
    # A note that leads callers elsewhere holds for at most so long, whoever wrote it.
    overflow_holds_seconds: int = LONGEST_OVERFLOW_SECONDS
    # After a call Asterisk itself leaves the agent alone for so long, also when no router holds the agent for more.
    wrap_up_seconds: int = 0
    # A citizen on hold goes back into the queue after so long: the agent, or the router, may be gone.
    hold_seconds: int = 180
    # So long after its end a call's sound still lies in `live/`, for a transcriber that is a little behind.
    live_kept_seconds: int = 60
    directories: SiteDirectories = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "data_dir", self.data_dir.absolute())
        object.__setattr__(self, "directories", SiteDirectories(self.data_dir))

    @property
    def all_numbers(self) -> tuple[str, ...]:
        """Every number that citizens dial: the hotline's and the desks'."""
        return (*self.numbers, *(number for desk in self.desks for number in desk.numbers))

    @property
    def queues(self) -> tuple[str, ...]:
        """Every queue: the hotline's first, then the desks'."""
        return (self.queue, *(desk.name for desk in self.desks))

    def members(self, queue: str) -> tuple[tuple[AgentSeat, int], ...]:
        """Who answers a queue, each with the penalty there: every seat the hotline's, those that list it a desk's."""
        if queue == self.queue:
            return tuple((seat, seat.penalty) for seat in self.agents)
        return tuple((seat, penalty) for seat in self.agents for name, penalty in seat.desks if name == queue)


def render(site: AsteriskSite, install: AsteriskInstall) -> Path:
    """Write the whole configuration of `site` (mode 0600, it holds secrets); return the path of asterisk.conf.

    Raises SiteError when the site is contradictory or holds what would not survive in a configuration file.
    """
    check_site(site)
    for directory in site.directories.all():
        directory.mkdir(parents=True, exist_ok=True)
    environment = Environment(
        loader=FileSystemLoader(site.templates),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 -- configuration files, not HTML; check_site admits only safe values
    )
    names = [name for name in environment.list_templates() if name.endswith(".conf.j2")]
    if not names:
        raise SiteError(
            f"no templates (*.conf.j2) in {site.templates.absolute()}: is this the project's config/asterisk?"
        )
    written = set()
    for name in names:
        text = environment.get_template(name).render(site=site, install=install, dirs=site.directories)
        target = site.directories.etc / name.removesuffix(".j2")
        _write_private(target, text)
        written.add(target)
    for stale in set(site.directories.etc.glob("*.conf")) - written:
        stale.unlink()
    write_hold_music(site.directories.lib / "moh" / "hold.wav")
    return site.directories.etc / "asterisk.conf"


def render_dialplan(
    templates: Path,
    agents: Sequence[AgentSeat],
    numbers: Sequence[str] = ("12345",),
    desks: Sequence[Desk] = (),
    trunk: Trunk | None = None,
    sites: Sequence[OtherSite] = (),
) -> str:
    """Return the shipped dialplan as text, for its proof; nothing is written."""
    site = AsteriskSite(
        Path("/nonexistent"),
        5060,
        5038,
        "x" * 32,
        10000,
        10100,
        tuple(agents),
        numbers=tuple(numbers),
        templates=templates,
        desks=tuple(desks),
        trunk=trunk,
        sites=tuple(sites),
    )
    environment = Environment(
        loader=FileSystemLoader(templates),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701
    )
    return environment.get_template("extensions.conf.j2").render(site=site, dirs=site.directories)


def check_site(site: AsteriskSite) -> None:
    """Raise SiteError with what is wrong, or return."""
    if not _SAFE_PATH.match(str(site.data_dir)):
        raise SiteError(
            f"the data directory {site.data_dir} holds a character that Asterisk's configuration cannot carry "
            "(spaces, quotes, commas, …): choose another with --data or ZHITONG_DATA."
        )
    _check_seats(site)
    _check_desks(site)
    _check_sites(site)
    if not _NODE.match(site.node):
        raise SiteError(
            f"the node's name {site.node!r} stands in file names: up to 20 small letters and digits, a letter first."
        )
    names = [site.queue, site.ami_user, *([site.trunk.name] if site.trunk else [])]
    if not all(_NAME.match(name) for name in names) or not _SECRET.match(site.ami_secret):
        raise SiteError("queue, AMI user and trunk names and the AMI secret may only hold letters, digits, _ and -.")
    addresses = [site.sip_address, *site.citizen_addresses, *(site.trunk.hosts if site.trunk else ())]
    if not all(re.match(r"[A-Za-z0-9.:/-]+\Z", address) for address in addresses):
        raise SiteError(f"one of the addresses {addresses} is neither an address, a network nor a host name.")
    if site.trunk is not None and "/" in site.trunk.hosts[0]:
        raise SiteError(
            f"the first of the trunk's hosts, {site.trunk.hosts[0]}, is a network: calls go out to it, so put the "
            "address first that takes them. See [trunk] in config/zhitong.toml."
        )
    if not _LOWEST_PORT <= site.rtp_start < site.rtp_end <= _HIGHEST_PORT:
        raise SiteError(f"RTP ports {site.rtp_start}-{site.rtp_end}: start must be below end, both in 1024-65535.")


def _check_seats(site: AsteriskSite) -> None:
    if not site.agents:
        raise SiteError("no agent seats: nobody could answer. Add at least one to config/agents.toml.")
    for seat in site.agents:
        if not _DIGITS.match(seat.extension):
            raise SiteError(f"agent {seat.name!r}: extension {seat.extension!r} is not made of digits.")
        if not _SECRET.match(seat.password):
            raise SiteError(f"agent {seat.extension}: the SIP password must be 12 to 128 letters, digits, _ or -.")
        if seat.penalty < 0:
            raise SiteError(f"agent {seat.extension}: penalty {seat.penalty} is negative; use 0 (asked first) or more.")
    extensions = [seat.extension for seat in site.agents]
    twice = {extension for extension in extensions if extensions.count(extension) > 1}
    if twice:
        raise SiteError(f"extension {', '.join(sorted(twice))} is given to two agents; each needs its own.")
    clash = set(extensions) & set(site.all_numbers)
    if clash or not all(_DIGITS.match(number) for number in site.all_numbers):
        raise SiteError(f"hotline numbers {site.all_numbers} must be digits and differ from every agent's extension.")
    if site.trunk is not None and any(seat.drill for seat in site.agents):
        raise SiteError(
            "this site has a trunk and drill seats: citizens' calls would ring phones that only tests bring. "
            "Remove the drill seats from config/agents.toml."
        )


def _check_desks(site: AsteriskSite) -> None:
    """Asterisk would take two desks of one name, and a call to one number to the first of two, without a word."""
    for listed, what in ((site.queues, "desk"), (site.all_numbers, "number")):
        twice = {each for each in listed if listed.count(each) > 1}
        if twice:
            raise SiteError(f"{what} {', '.join(sorted(twice))} is there twice: correct config/desks.toml.")
    for desk in site.desks:
        if not DESK_NAME.match(desk.name):
            raise SiteError(f"desk {desk.name!r}: a name is made of a-z, 0-9 and -, and begins with a letter.")
    for seat in site.agents:
        unknown = {name for name, _ in seat.desks} - {desk.name for desk in site.desks}
        if unknown:
            raise SiteError(
                f"agent {seat.extension} belongs to desk {', '.join(sorted(unknown))}, which config/desks.toml has not."
            )
        if any(penalty < 0 for _, penalty in seat.desks):
            raise SiteError(f"agent {seat.extension}: a desk's penalty is negative; use 0 (asked first) or more.")


def _check_sites(site: AsteriskSite) -> None:
    taken = [
        *site.queues,
        "citizen",
        "agent",
        "agent-aor",
        "global",
        "transport",
        *([site.trunk.name] if site.trunk else []),
    ]
    names = [other.name for other in site.sites]
    for other in site.sites:
        if not SITE_NAME.match(other.name):
            raise SiteError(f"site {other.name!r}: a name is made of a-z and 0-9, begins with a letter, at most 20.")
        if other.name in taken or names.count(other.name) > 1:
            raise SiteError(f"site {other.name!r}: the name is taken; choose another in config/desks.toml.")
        if not re.match(r"[A-Za-z0-9.-]+(:\d{1,5})?\Z", other.host) or not _DIGITS.match(other.number):
            raise SiteError(
                f"site {other.name!r}: {other.number!r} at {other.host!r} is no number at a host (host:port)."
            )


def _write_private(path: Path, text: str) -> None:
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    new.replace(path)
