"""A system of the simulation's own: settings, configuration and processes, on a data directory that was empty."""

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from api.kit.postgres_address import url_for
from api.kit.settings import AmiSettings, HttpSettings, Settings, load
from api.supervisor import Supervisor
from api.supervisor.machine import parts
from api.supervisor.site import asterisk_site
from telephony.asterisk.process import free_port
from telephony.simulation.peer import ManagerAccount, rights_of

_SEAT = "[[seat]]\n"
_OWN_LINES = re.compile("^(extension|name) = .*$", re.MULTILINE)
_PROCESSES = ("postgres", "router", "api")


class SimulationError(RuntimeError):
    """The simulation cannot run here; the message says what to do."""

    error_id = "simulation.refused"


def settle(data_dir: Path, agents: Sequence[str]) -> tuple[Settings, dict[str, str]]:
    """Prepare a data directory; return its settings, and the environment that gives its processes the same.

    No database and no port but its own is touched, whatever the environment says. Raises SimulationError when the
    directory holds anything: a simulation must not mix with a city's real calls.
    """
    if data_dir.exists() and any(data_dir.iterdir()):
        raise SimulationError(
            f"{data_dir} is not empty, and simulated calls must not mix with real ones. Give an empty one: --data DIR."
        )
    data_dir.mkdir(parents=True, exist_ok=True)
    shipped = load(data_dir)
    config = data_dir / "config"
    shutil.copytree(shipped.config_dir, config)
    seats = config / "agents.toml"
    seats.write_text(_seats(seats.read_text(encoding="utf-8"), agents), encoding="utf-8")
    settings = shipped.model_copy(
        update={
            "config_dir": config,
            "database_url": None,
            "trunk": None,
            "http": HttpSettings(port=free_port()),
            "ami": AmiSettings(port=free_port()),
        }
    )
    environment = {
        "ZHITONG_CONFIG": str(config),
        "ZHITONG_DATABASE_URL": url_for(data_dir),
        "ZHITONG_HTTP__HOST": settings.http.host,
        "ZHITONG_HTTP__PORT": str(settings.http.port),
        "ZHITONG_AMI__HOST": settings.ami.host,
        "ZHITONG_AMI__PORT": str(settings.ami.port),
    }
    return settings, environment


def _seats(shipped: str, agents: Sequence[str]) -> str:
    """Return agents.toml with these agents for its seats, each like the first one that is shipped."""
    head, first, *_ = shipped.split(_SEAT)
    like = first.partition("\n\n")[0]
    seats = [_SEAT + _OWN_LINES.sub(rf'\1 = "{agent}"', like) for agent in agents]
    return head + "\n\n".join([*seats, "[drill]\nextensions = []\n"])


def account(settings: Settings) -> ManagerAccount:
    """Return the manager account that the shipped manager.conf would give the router."""
    site = asterisk_site(settings)
    conf = (settings.config_dir / "asterisk" / "manager.conf.j2").read_text(encoding="utf-8")
    rights = rights_of(conf.replace("{{ site.ami_user }}", site.ami_user), site.ami_user)
    return ManagerAccount(site.ami_user, rights, site.ami_secret)


def supervisor(settings: Settings, environment: dict[str, str], say: Callable[[str], None]) -> Supervisor:
    """Return what runs the database, the router and the pages as the product does; its Asterisk is ours."""
    chosen = [replace(part, env=environment) for part in parts(settings) if part.name in _PROCESSES]
    return Supervisor(chosen, settings.data_dir / "log", settings.data_dir / "run", say)
