from pathlib import Path

import pytest

from api.kit.settings import SettingsError, load
from api.supervisor.site import asterisk_site
from telephony.asterisk.configure import SiteError, check_site


def test_a_trunk_is_refused_beside_drill_seats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHITONG_TRUNK__HOSTS", '["192.0.2.10"]')
    site = asterisk_site(load(tmp_path))
    assert site.trunk is not None
    assert site.trunk.hosts == ("192.0.2.10",)
    with pytest.raises(SiteError, match="drill seats"):
        check_site(site)


def test_without_a_trunk_only_loopback_calls(tmp_path: Path) -> None:
    site = asterisk_site(load(tmp_path))
    check_site(site)
    assert site.trunk is None
    assert site.sip_address == "127.0.0.1"
    assert all(address.startswith("127.") for address in site.citizen_addresses)


def test_a_trunk_without_hosts_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHITONG_TRUNK__HOSTS", "[]")
    with pytest.raises(SettingsError, match=r"trunk\.hosts"):
        load(tmp_path)
