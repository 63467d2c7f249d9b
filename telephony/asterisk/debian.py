import contextlib
import fcntl
import os
import re
import selectors
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from telephony.asterisk.sources import SourceEntry, host_entries, mirror_entries
from telephony.errors import TelephonyError

Progress = Callable[[str], None]

STAMP = ".fetched"
HOST_SOURCES = Path("/etc/apt")
_PROGRESS_EVERY_SECONDS = 2.0


class FetchError(TelephonyError):
    """Debian's packages could not be brought to this machine; the message says why and what to do."""

    error_id = "debian_fetch_failed"


def fetch(
    packages: Sequence[str],
    prefix: Path,
    suites: Sequence[str] | None,
    progress: Progress,
    sources: Path = HOST_SOURCES,
) -> None:
    """Unpack Debian `packages` and all they depend on below `prefix`, leaving the host's own packages alone.

    apt resolves against an empty private dpkg status, downloads only, and dpkg-deb unpacks. `suites` is None for the
    host's own sources, or suites in order of preference (a later one only fills what the earlier lack), taken from the
    mirror that the host's sources name for Debian's main archive. Works as root and as an ordinary user. What is
    complete returns at once; what was interrupted goes on where it stopped. Raises FetchError.
    """
    request = _request(packages, suites)
    if _is_complete(prefix, request):
        return
    for tool in ("apt-get", "dpkg-deb", "dpkg", "tar"):
        if shutil.which(tool) is None:
            raise FetchError(
                f"{tool} is missing: {', '.join(packages)} can only be fetched on Debian or a system derived from it. "
                f"Install {', '.join(packages)} by this system's own means."
            )
    try:
        prefix.mkdir(parents=True, exist_ok=True)
        with _locked(prefix, progress):
            if not _is_complete(prefix, request):
                _fetch(packages, prefix, suites, progress, sources)
    except OSError as error:
        raise FetchError(
            f"cannot write below {prefix}: {error}. Make room there or choose another place (ZHITONG_TOOLS)."
        ) from error


def versions(prefix: Path) -> dict[str, str]:
    """Return package → version of what lies unpacked below `prefix`; empty when nothing complete is there."""
    stamp = prefix / STAMP
    if not stamp.is_file():
        return {}
    return dict(line.split(" ", 1) for line in stamp.read_text().splitlines()[1:])


def _request(packages: Sequence[str], suites: Sequence[str] | None) -> str:
    return f"{' '.join(suites) if suites else 'host'}: {' '.join(sorted(packages))}"


def _is_complete(prefix: Path, request: str) -> bool:
    try:
        with (prefix / STAMP).open() as stamp:
            return stamp.readline().rstrip("\n") == request
    except (FileNotFoundError, NotADirectoryError):
        return False


@contextlib.contextmanager
def _locked(prefix: Path, progress: Progress) -> Iterator[None]:
    with (prefix / ".fetch.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"another process is fetching into {prefix}: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(
    packages: Sequence[str], prefix: Path, suites: Sequence[str] | None, progress: Progress, sources: Path
) -> None:
    work = prefix / ".fetch"
    architecture = subprocess.run(
        ["dpkg", "--print-architecture"], check=True, capture_output=True, text=True
    ).stdout.strip()
    failure: FetchError | None = None
    for entries, release in _attempts(suites, sources):
        config = _write_config(work, entries, architecture, release)
        try:
            _download(packages, config, progress)
        except FetchError as error:
            failure = error
            continue
        installed = _unpack(sorted((work / "cache" / "archives").glob("*.deb")), prefix, progress)
        stamp = prefix / f"{STAMP}.new"
        stamp.write_text(_request(packages, suites) + "\n" + "".join(f"{name} {v}\n" for name, v in installed))
        stamp.replace(prefix / STAMP)
        shutil.rmtree(work, ignore_errors=True)
        return
    raise failure or FetchError(
        "no source of Debian's main archive is enabled in /etc/apt/sources.list or /etc/apt/sources.list.d: "
        "enable the distribution's own source, or install these packages yourself: " + ", ".join(packages)
    )


def _attempts(suites: Sequence[str] | None, sources: Path) -> Iterator[tuple[list[SourceEntry], str | None]]:
    """Yield sources to try in order: each mirror with the first suite, then with the later ones added."""
    entries = host_entries(sources)
    if suites is None:
        if entries:
            yield entries, None
        return
    for mirror in mirror_entries(entries):
        for count in range(1, len(suites) + 1):
            yield [mirror.for_suites(suites[:count])], suites[0]


def _write_config(work: Path, entries: Sequence[SourceEntry], architecture: str, release: str | None) -> Path:
    """Write apt's private world: own lists, own cache, own empty status. Downloads of an earlier run are kept."""
    for directory in ("state/lists/partial", "cache/archives/partial", "log"):
        (work / directory).mkdir(parents=True, exist_ok=True)
    (work / "status").write_text("")
    (work / "zhitong.sources").write_text("\n".join(entry.deb822() for entry in entries))
    values = {
        "Dir::Etc::sourcelist": work / "zhitong.sources",
        "Dir::Etc::sourceparts": "-",
        "Dir::Etc::preferences": "-",
        "Dir::Etc::preferencesparts": "-",
        "Dir::State": work / "state",
        "Dir::State::lists": work / "state/lists",
        "Dir::State::status": work / "status",
        "Dir::Cache": work / "cache",
        "Dir::Cache::archives": work / "cache/archives",
        "Dir::Log": work / "log",
        "Debug::NoLocking": "true",
        "APT::Architecture": architecture,
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "",
        "APT::Get::List-Cleanup": "false",
        "APT::Keep-Downloaded-Packages": "true",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
        "Acquire::http::Timeout": "30",
    }
    if release is not None:
        values["APT::Default-Release"] = release
    # The host's hooks (docker-clean and its like) would run on, and delete from, the host's own cache.
    cleared = (
        "APT::Update::Post-Invoke",
        "APT::Update::Post-Invoke-Success",
        "DPkg::Post-Invoke",
        "APT::Architectures",
    )
    config = work / "apt.conf"
    config.write_text(
        "".join(f"#clear {name};\n" for name in cleared)
        + "".join(f'{key} "{value}";\n' for key, value in values.items())
    )
    return config


def _download(packages: Sequence[str], config: Path, progress: Progress) -> None:
    progress("reading Debian's package lists")
    update = _apt(config, ["update"], progress)
    progress(f"downloading {', '.join(packages)} and what they need")
    install = _apt(config, ["--download-only", "--yes", "install", *packages], progress)
    if install.returncode != 0:
        why = _reasons(install.stderr) or _reasons(update.stderr) or install.stderr[-500:]
        raise FetchError(
            f"apt could not fetch {', '.join(packages)}: {why}. Check that this machine reaches its Debian mirror "
            "(apt-get update, proxy settings, free disk space) and run the same command again: it goes on from here."
        )


def _apt(config: Path, arguments: Sequence[str], progress: Progress) -> subprocess.CompletedProcess[str]:
    read_end, write_end = os.pipe()
    command = ["apt-get", "-c", str(config), "-o", f"APT::Status-Fd={write_end}", *arguments]
    log = config.parent / "log" / f"{arguments[0].strip('-')}.err"
    with log.open("w+") as errors:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            pass_fds=[write_end],
            env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
        )
        os.close(write_end)
        with os.fdopen(read_end, "rb", buffering=0) as status:
            _relay(status.fileno(), progress)
        child.wait()
        errors.seek(0)
        return subprocess.CompletedProcess(command, child.returncode, "", errors.read())


def _relay(status: int, progress: Progress) -> None:
    """Pass apt's download status on, at most one line each two seconds."""
    last = time.monotonic()
    buffer = b""
    with selectors.DefaultSelector() as selector:
        selector.register(status, selectors.EVENT_READ)
        while selector.select():
            block = os.read(status, 65536)
            if not block:
                return
            buffer = (buffer + block)[-65536:]
            if time.monotonic() - last < _PROGRESS_EVERY_SECONDS:
                continue
            found = re.findall(rb"dlstatus:[^:]*:([0-9.]+):([^\n]*)\n", buffer)
            if found:
                percent, text = found[-1]
                progress(f"{float(percent):3.0f} % {text.decode(errors='replace')}")
                last, buffer = time.monotonic(), b""


def _reasons(output: str) -> str:
    """Return apt's own errors (lines `E:` and `Err:`), shortened."""
    lines = [line.strip() for line in output.splitlines() if line.startswith(("E:", "Err:"))]
    return "; ".join(dict.fromkeys(lines))[:600]


def _unpack(archives: Sequence[Path], prefix: Path, progress: Progress) -> list[tuple[str, str]]:
    """Unpack each archive; return (package, version) of all."""
    for name in ("bin", "sbin", "lib", "lib64"):
        # Packages from before the /usr merge still name /lib: both ways must end in the same place.
        (prefix / "usr" / name).mkdir(parents=True, exist_ok=True)
        if not (prefix / name).exists():
            (prefix / name).symlink_to(f"usr/{name}")
    installed = []
    last = time.monotonic()
    for number, archive in enumerate(archives, 1):
        if time.monotonic() - last > _PROGRESS_EVERY_SECONDS:
            progress(f"unpacking {number} of {len(archives)}")
            last = time.monotonic()
        installed.append(_unpack_one(archive, prefix))
    progress(f"unpacked {len(archives)} packages")
    return installed


def _unpack_one(archive: Path, prefix: Path) -> tuple[str, str]:
    deb = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE)
    tar = subprocess.run(
        ["tar", "-x", "-C", str(prefix), "--no-same-owner", "--no-same-permissions", "--keep-directory-symlink"],
        stdin=deb.stdout,
        capture_output=True,
        text=True,
        check=False,
    )
    if deb.stdout is not None:
        deb.stdout.close()
    if deb.wait() != 0 and tar.returncode == 0:
        archive.unlink()
        raise FetchError(f"{archive.name} was damaged on the way and has been removed: run the same command again.")
    if tar.returncode != 0:
        raise FetchError(
            f"unpacking {archive.name} into {prefix} failed: {tar.stderr.strip()[-300:]}. Is the disk full?"
        )
    name, version, _ = archive.name.split("_")
    return name, version.replace("%3a", ":")
