import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# Debian's own names for its releases; a third-party archive seldom uses them together with component "main".
_DEBIAN_SUITES = re.compile(r"(oldoldstable|oldstable|stable|testing|unstable|sid|[a-z]+)(-updates)?\Z")
_DEBIAN_PATH = re.compile(r"/debian/?\Z")


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """One apt source as deb822 fields (sources.list(5)): `URIs`, `Suites`, `Components`, `Signed-By` and others."""

    fields: Mapping[str, str]

    def deb822(self) -> str:
        """Write the entry as a stanza that asks for package lists only (no translations, icons, contents)."""
        fields = {**self.fields, "Types": "deb", "Targets": "Packages"}
        return "".join(f"{name}: {value}\n" for name, value in fields.items())

    def for_suites(self, suites: Sequence[str]) -> "SourceEntry":
        """Return the same mirror for other suites of Debian's main archive."""
        signed_by = self.fields.get("Signed-By", _KEYRING)
        return SourceEntry(
            {"URIs": self.fields["URIs"], "Suites": " ".join(suites), "Components": "main", "Signed-By": signed_by}
        )


def host_entries(apt: Path) -> list[SourceEntry]:
    """Return the enabled binary sources of the host, from `apt`/sources.list and `apt`/sources.list.d."""
    entries: list[SourceEntry] = []
    parts = sorted((apt / "sources.list.d").glob("*")) if (apt / "sources.list.d").is_dir() else []
    for path in [apt / "sources.list", *parts]:
        if not path.is_file():
            continue
        text = path.read_text(errors="replace")
        if path.suffix == ".list":
            entries.extend(parse_list(text))
        elif path.suffix == ".sources":
            entries.extend(parse_deb822(text))
    return entries


def mirror_entries(entries: Iterable[SourceEntry]) -> list[SourceEntry]:
    """Return those entries that are Debian's own main archive: not third parties, not security, not backports."""
    return [entry for entry in entries if _is_debian_main(entry.fields)]


def _is_debian_main(fields: Mapping[str, str]) -> bool:
    uris = fields.get("URIs", "").split()
    signed_by = fields.get("Signed-By", "debian-archive")
    return (
        bool(uris)
        and all(_DEBIAN_PATH.search(uri) or uri.startswith("mirror+file:") for uri in uris)
        and not any(word in uri for uri in uris for word in ("security", "backports"))
        and any(_DEBIAN_SUITES.match(suite) for suite in fields.get("Suites", "").split())
        and "main" in fields.get("Components", "").split()
        and "debian-archive" in signed_by
    )


def parse_deb822(text: str) -> Iterator[SourceEntry]:
    """Parse a .sources file: stanzas of fields, continuation lines, comments, `Enabled: no`."""
    for stanza in re.split(r"\n[ \t]*\n", text):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line.startswith("#") or not line.strip():
                continue
            if line[0] in " \t" and name:
                fields[name] += "\n" + line
            elif ":" in line:
                key, value = line.split(":", 1)
                name = next((known for known in _NAMES if known.lower() == key.strip().lower()), key.strip())
                fields[name] = value.strip()
        enabled = fields.get("Enabled", "yes").lower() not in {"no", "false", "0", "off"}
        if enabled and "deb" in fields.get("Types", "").split() and "URIs" in fields:
            yield SourceEntry({key: value for key, value in fields.items() if key != "Enabled"})


def parse_list(text: str) -> Iterator[SourceEntry]:
    """Parse a one-line-style .list file: `deb [options] uri suite components`."""
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s*([^#]*)", line)
        if match is None:
            continue
        options, uri, suite, components = match.groups()
        fields = {"URIs": uri, "Suites": suite}
        if components.strip():
            fields["Components"] = " ".join(components.split())
        for option in (options or "").split():
            key, _, value = option.partition("=")
            if key.lower() in _OPTIONS:
                fields[_OPTIONS[key.lower()]] = value.replace(",", " ")
        if not uri.startswith("cdrom:"):
            yield SourceEntry(fields)


_NAMES = ("Types", "URIs", "Suites", "Components", "Signed-By", "Enabled", "Architectures", "Trusted")
_OPTIONS = {"signed-by": "Signed-By", "arch": "Architectures", "trusted": "Trusted"}
