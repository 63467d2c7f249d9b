import hashlib
from pathlib import Path

from api.app import STATIC

VENDOR = STATIC / "vendor"


def _listed() -> dict[str, str]:
    lines = (VENDOR / "CHECKSUMS").read_text().splitlines()
    pairs = (line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))
    return {name: digest for digest, name in pairs}


def test_vendored_files_are_those_that_were_checked_in() -> None:
    found = {
        str(path.relative_to(VENDOR)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "CHECKSUMS"
    }
    assert found == _listed()


def test_no_page_loads_anything_from_elsewhere() -> None:
    pages = Path(STATIC).parent / "templates"
    own = [*pages.glob("*.html"), *STATIC.glob("*.js"), *STATIC.glob("*.css")]
    assert len(own) >= 10
    for path in own:
        text = path.read_text()
        assert "http://" not in text, path.name
        assert "https://" not in text, path.name
        assert "|safe" not in text, path.name
