import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from telephony.asterisk.debian import FetchError, fetch, versions
from telephony.asterisk.install import AsteriskInstall, find_or_fetch, major_of
from telephony.asterisk.sources import host_entries, mirror_entries, parse_deb822, parse_list

DEB822 = """\
# a comment
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: https://third.example/packages
Suites: nodistro
Components: main
Signed-By: /usr/share/keyrings/third.gpg

Types: deb
URIs: https://third.example/debian
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQ
"""

LIST = """\
# deb http://commented.example/debian bookworm main
deb cdrom:[Debian 12]/ bookworm main
deb http://mirror.example/debian bookworm main contrib # end
deb-src http://mirror.example/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/docker.gpg] https://third.example/linux/debian bookworm stable
deb [signed-by=/usr/share/keyrings/third.gpg] https://third.example/debian bookworm main
"""


def test_only_debians_own_archive_is_taken_as_a_mirror() -> None:
    found = [*mirror_entries(parse_deb822(DEB822)), *mirror_entries(parse_list(LIST))]
    assert [entry.fields["URIs"] for entry in found] == ["http://mirror.example/debian"] * 2


def test_the_hosts_own_sources_are_all_kept_but_disabled_ones_and_discs() -> None:
    assert len(list(parse_deb822(DEB822))) == 4
    assert [entry.fields["Suites"] for entry in parse_list(LIST)] == ["bookworm"] * 3


def test_both_formats_are_read_from_the_hosts_folder(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text("deb http://one.example/debian bookworm main\n")
    (tmp_path / "sources.list.d" / "debian.sources").write_text(DEB822)
    (tmp_path / "sources.list.d" / "off.list.disabled").write_text("deb http://off.example/debian bookworm main\n")
    assert len(mirror_entries(host_entries(tmp_path))) == 2


def test_another_suite_of_the_same_mirror() -> None:
    (entry,) = mirror_entries(parse_deb822(DEB822))
    text = entry.for_suites(("testing", "unstable")).deb822()
    assert "URIs: http://mirror.example/debian\n" in text
    assert "Suites: testing unstable\n" in text
    assert "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n" in text


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An apt sources folder that names an archive on this disk, with one package `greeting` in it."""
    repository, tree = tmp_path / "repository", tmp_path / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "usr/bin").mkdir(parents=True)
    (tree / "usr/bin/greeting").write_text("#!/bin/sh\necho hello\n")
    (tree / "usr/bin/greeting").chmod(0o755)
    control = "Package: greeting\nVersion: 1:2.0-1\nArchitecture: all\nMaintainer: a <a@b.example>\nDescription: x\n"
    (tree / "DEBIAN/control").write_text(control)
    repository.mkdir()
    deb = repository / "greeting.deb"
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", tree, deb], check=True, capture_output=True)
    digest = hashlib.sha256(deb.read_bytes()).hexdigest()
    entry = f"{control}Filename: ./greeting.deb\nSize: {deb.stat().st_size}\nSHA256: {digest}\n"
    (repository / "Packages").write_text(entry)
    sources = tmp_path / "apt"
    (sources / "sources.list.d").mkdir(parents=True)
    # copy: as over a network, the archive's files are brought to the cache.
    text = f"Types: deb\nURIs: copy:{repository}\nSuites: ./\nTrusted: yes\n"
    (sources / "sources.list.d" / "local.sources").write_text(text)
    return sources


def test_a_small_package_is_fetched_resumed_and_then_left_alone(tmp_path: Path, archive: Path) -> None:
    said: list[str] = []
    prefix = tmp_path / "prefix"
    fetch(["greeting"], prefix, None, said.append, archive)
    greeting = prefix / "usr/bin/greeting"
    assert subprocess.run([greeting], capture_output=True, text=True, check=True).stdout == "hello\n"
    assert versions(prefix) == {"greeting": "1:2.0-1"}
    assert any("unpack" in line for line in said)
    (prefix / ".fetched").unlink()
    greeting.unlink()
    fetch(["greeting"], prefix, None, said.append, archive)
    assert greeting.exists()
    count = len(said)
    fetch(["greeting"], prefix, None, said.append, tmp_path / "no-sources-here")
    assert len(said) == count, "what is complete is neither fetched nor looked up again"
    assert not (prefix / ".fetch").exists()


def test_a_package_that_does_not_exist_is_named(tmp_path: Path, archive: Path) -> None:
    with pytest.raises(FetchError, match=r"no-such-package-here.*run the same command again") as caught:
        fetch(["no-such-package-here"], tmp_path / "prefix", None, print, archive)
    assert "Unable to locate" in str(caught.value)
    assert versions(tmp_path / "prefix") == {}


def test_a_damaged_package_is_refused_and_nothing_is_taken_for_complete(tmp_path: Path, archive: Path) -> None:
    with (tmp_path / "repository" / "greeting.deb").open("r+b") as deb:
        deb.seek(100)
        deb.write(b"torn")
    with pytest.raises(FetchError, match="greeting"):
        fetch(["greeting"], tmp_path / "prefix", None, print, archive)
    assert versions(tmp_path / "prefix") == {}


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FetchError, match="ZHITONG_TOOLS"):
        fetch(["hostname"], tmp_path / "file" / "prefix", None, print)


def test_a_system_without_apt_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FetchError, match="apt-get is missing: hostname"):
        fetch(["hostname"], tmp_path / "prefix", None, print)


def test_the_installed_asterisk_is_new_enough_and_found_again_at_once(install: AsteriskInstall) -> None:
    assert install.major >= 20
    root = Path(__file__).parents[3]
    said: list[str] = []
    assert find_or_fetch(root / ".tools", said.append).version == install.version
    assert said == []
    for program, option in ((install.asterisk, "-V"), (install.sipp, "-v")):
        answer = subprocess.run(
            program.command(option),
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **program.environment},
        )
        assert "Asterisk" in answer.stdout or "SIPp" in answer.stdout


@pytest.mark.parametrize(
    ("text", "major"),
    [("Asterisk 20.6.0~dfsg", 20), ("22.10.1+dfsg+~cs6", 22), ("Asterisk certified/18.9", 18), ("", 0)],
)
def test_versions(text: str, major: int) -> None:
    assert major_of(text) == major


def test_an_old_asterisk_of_the_host_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host's Asterisk 16 is passed over: the private one is used, or asked for."""
    old = tmp_path / "bin" / "asterisk"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho Asterisk 16.28.0\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{old.parent}:{os.environ['PATH']}")
    assert shutil.which("asterisk") == str(old)
    assert find_or_fetch(Path(__file__).parents[3] / ".tools", print).asterisk.argv[0] != str(old)
