"""config/agents.toml, desks.toml and routing.toml: what is shipped, and what is refused with a reason."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from api.agents.desks import DesksError, load_desks
from api.agents.routing import RoutingError, load_routing
from api.agents.seats import SeatsError, load_seats
from telephony.asterisk.configure import AsteriskSite, SiteError, check_site

CONFIG = Path(__file__).parents[3] / "config"


def seats(config: Path) -> None:
    load_seats(config, config / "secrets.toml")


def site(config: Path) -> None:
    check_site(
        AsteriskSite(
            config,
            5060,
            5038,
            "x" * 32,
            10000,
            10100,
            load_seats(config, config / "secrets.toml"),
            desks=load_desks(config).desks,
            sites=load_desks(config).sites,
        )
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    for name in ("agents.toml", "desks.toml", "routing.toml"):
        shutil.copy(CONFIG / name, tmp_path / name)
    return tmp_path


def test_what_is_shipped_is_a_site_whose_desks_all_have_agents(config: Path) -> None:
    site(config)
    listed = {name for seat in load_seats(config, config / "secrets.toml") for name, _ in seat.desks}
    assert listed == {desk.name for desk in load_desks(config).desks}
    assert list(load_routing(config).breaks)


SITE = 'wait_seconds = 20\n[[site]]\nname = "{}"\nzh = "东区"\nen = "east"\nhost = "{}"'
# (file, what is replaced, by what, who refuses it, with which error, a word of the reason)
WRONG = [
    ("agents.toml", 'level = "regular"', 'level = "senior"', seats, SeatsError, "senior"),
    ("agents.toml", "dialect = 0", "dialect = -1", seats, SeatsError, "greater than"),
    ("agents.toml", "dialect = 0", "sales = 0", site, SiteError, "sales"),
    ("desks.toml", 'name = "dialect"', 'name = "enterprise"', site, SiteError, "twice"),
    ("desks.toml", 'name = "dialect"', 'name = "hotline"', site, SiteError, "twice"),
    ("desks.toml", '"12345801"', '"12345"', site, SiteError, "twice"),
    ("desks.toml", '"12345801"', '"8001"', site, SiteError, "differ"),
    ("desks.toml", 'name = "dialect"', 'name = "a,b"', load_desks, DesksError, "pattern"),
    ("desks.toml", '"12345801"', '"1,Hangup()"', load_desks, DesksError, "pattern"),
    ("desks.toml", "wait_seconds = 20", SITE.format("enterprise", "192.0.2.20"), site, SiteError, "is taken"),
    ("desks.toml", "wait_seconds = 20", SITE.format("agent", "192.0.2.20"), site, SiteError, "is taken"),
    ("desks.toml", "wait_seconds = 20", SITE.format("east-1", "192.0.2.20"), load_desks, DesksError, "pattern"),
    ("desks.toml", "wait_seconds = 20", SITE.format("east", "192.0.2.20/24"), load_desks, DesksError, "pattern"),
    ("routing.toml", "abandoned = 5", "abandoned = 500", load_routing, RoutingError, "less than"),
    ("routing.toml", "pause_seconds = [30.0, 120.0, 600.0]", "pause_seconds = []", load_routing, RoutingError, "pause"),
    ("routing.toml", "meal = ", '"用餐" = ', load_routing, RoutingError, "pattern"),
]


@pytest.mark.parametrize(("name", "old", "new", "load", "error", "word"), WRONG)
def test_what_cannot_be_used_is_refused_with_the_reason(
    config: Path, name: str, old: str, new: str, load: Callable[[Path], object], error: type[Exception], word: str
) -> None:
    text = (config / name).read_text(encoding="utf-8")
    assert old in text
    (config / name).write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(error, match=word):
        load(config)
