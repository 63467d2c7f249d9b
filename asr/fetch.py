"""Bring a published speech model here: download that goes on where it stopped, checksum, safe unpacking."""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO

import httpx

from asr.catalogue import KnownModel
from asr.errors import ModelBroken, ModelError
from asr.model import SpeechModel, open_model

Progress = Callable[[str], None]

ATTEMPTS = 3
"""How often one call takes up an interrupted download before it leaves the rest to the next call."""
_CHUNK = 1 << 20
_PROGRESS_SECONDS = 1.0
_MOST_ENTRIES = 10_000
_TIMEOUT = httpx.Timeout(30.0)


class ChecksumUnknown(ModelError):
    """Nobody vouches for what the archive must be."""

    error_id = "model_checksum_unknown"


class ChecksumWrong(ModelError):
    """What came is not what was pinned."""

    error_id = "model_checksum_wrong"


class DownloadFailed(ModelError):
    """The archive could not be had; what is here of it is kept and the next call goes on from there."""

    error_id = "model_download_failed"


class NoSpace(ModelError):
    """The disk is full."""

    error_id = "model_no_space"


@dataclass(frozen=True, slots=True)
class Fetched:
    """What is here now, and whether it had to be brought."""

    model: SpeechModel
    brought: bool


def fetch(known: KnownModel, models_dir: Path, progress: Progress, sha256: str = "") -> Fetched:
    """Return the model below `models_dir`, downloaded, checked and unpacked unless it is there.

    `sha256` stands in where the catalogue has none; the two may not contradict each other. Only a complete and checked
    model ever has its name. Raises ChecksumUnknown, ChecksumWrong, DownloadFailed, NoSpace, or ModelBroken.
    """
    target = models_dir / known.name
    if target.is_dir():
        return Fetched(open_model(target), brought=False)
    checksum = _checksum(known, sha256.strip().lower())
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        with _locked(models_dir / f".{known.name}.lock", progress):
            if target.is_dir():  # another process brought it meanwhile
                return Fetched(open_model(target), brought=False)
            archive = _checked(known, checksum, models_dir / f".{known.name}.zip.part", progress)
            progress(f"解压 unpacking {known.name}")
            _unpack(archive, target, known.unpacked_limit)
            archive.unlink()
            _note(archive).unlink(missing_ok=True)
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise DownloadFailed(f"cannot write below {models_dir} ({error}): check its owner and mode") from error
        free = shutil.disk_usage(models_dir).free
        raise NoSpace(
            f"the disk of {models_dir} is full ({_mb(free)} free): make room, or choose another place with "
            "ZHITONG_TOOLS, and run the same command again; what was downloaded is kept"
        ) from error
    return Fetched(open_model(target), brought=True)


def _checksum(known: KnownModel, given: str) -> str:
    if given and not re.fullmatch(r"[0-9a-f]{64}", given):
        raise ChecksumUnknown("--sha256 must be 64 hexadecimal digits, as `sha256sum FILE` prints them")
    if known.sha256 and given and given != known.sha256:
        raise ChecksumWrong(f"--sha256 contradicts config/models.toml, which says {known.sha256} for {known.alias}")
    if not (known.sha256 or given):
        raise ChecksumUnknown(
            f"config/models.toml has no checksum for {known.alias}, because no public source for one was found. Get it "
            f"from somebody you trust (or `sha256sum` your own copy of {known.url}) and give it: "
            f"zhitong model fetch {known.alias} --sha256 …"
        )
    return known.sha256 or given


def _checked(known: KnownModel, checksum: str, part: Path, progress: Progress) -> Path:
    """Return the archive with the right checksum; a pieced-together one that is wrong is loaded once more, whole."""
    for _ in range(2):
        resumed = _downloaded(known, part, progress)
        progress("校验 checking")
        found = _sha256(part)
        if found == checksum:
            return part
        part.unlink()
        _note(part).unlink(missing_ok=True)
        if not resumed:
            break
        progress(
            "续传的文件不对，重新下载 the resumed file is wrong (it changed at its source): loading all of it again"
        )
    raise ChecksumWrong(
        f"{known.url} is not what was pinned: its SHA-256 is {found}, {checksum} was expected. It was removed and "
        "nothing of it was used. Try again; if this repeats, the file was replaced at its source: don't use it."
    )


def _downloaded(known: KnownModel, part: Path, progress: Progress) -> bool:
    """Load what is still missing; returns whether the file was put together from several answers."""
    resumed, why = False, ""
    with httpx.Client(timeout=_TIMEOUT, follow_redirects=True) as client:
        for attempt in range(ATTEMPTS):
            before = _size(part)
            resumed |= before > 0
            try:
                if _load(client, known, part, progress):
                    return resumed
                why = "the connection ended early"
            except httpx.HTTPError as error:
                why = str(error) or type(error).__name__
            if attempt + 1 < ATTEMPTS:
                progress(f"连接中断 interrupted at {_mb(_size(part))} ({why}): going on from there")
    have = f"{_mb(_size(part))} are here; run the same command again and it goes on from there"
    raise DownloadFailed(f"{known.url} could not be loaded: {why}. {have if _size(part) else 'Check the network.'}")


def _load(client: httpx.Client, known: KnownModel, part: Path, progress: Progress) -> bool:
    """Ask once for what is missing and append it; says whether the archive is whole now."""
    at, tag = _size(part), _tag_of(part)
    if known.size and at == known.size:
        return True
    # Without a strong tag nobody can say whether the rest still belongs to the beginning.
    headers = {"Accept-Encoding": "identity"}
    if at and tag:
        headers |= {"Range": f"bytes={at}-", "If-Range": tag}
    with client.stream("GET", known.url, headers=headers) as answer:
        if answer.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink()  # what is here is longer than the source, or already all of it: begin anew
            return False
        if answer.status_code not in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
            raise DownloadFailed(f"{known.url} answers {answer.status_code} {answer.reason_phrase}: try again later")
        goes_on = answer.status_code == HTTPStatus.PARTIAL_CONTENT
        total = _total(answer, at if goes_on else 0)
        _plausible(known, total)
        if goes_on and not answer.headers.get("content-range", "").startswith(f"bytes {at}-"):
            raise DownloadFailed(f"{known.url} sent another part than asked for: try again later")
        _enough_room(part, total - (at if goes_on else 0))
        _note(part).write_text(json.dumps({"tag": _strong_tag(answer)}), encoding="utf-8")
        with part.open("ab" if goes_on else "wb") as out:
            _copy(answer, out, total, known, progress)
            out.flush()
            os.fsync(out.fileno())
    return _size(part) == total if total else bool(_size(part))


def _copy(answer: httpx.Response, out: IO[bytes], total: int, known: KnownModel, progress: Progress) -> None:
    told = time.monotonic()
    # In pieces as they come: a larger chunk would lose its beginning when the connection breaks.
    for chunk in answer.iter_raw():
        out.write(chunk)
        _plausible(known, out.tell() if known.size and out.tell() > known.size else 0)
        if time.monotonic() - told >= _PROGRESS_SECONDS:
            told = time.monotonic()
            share = f"{out.tell() * 100 // total:3d} %  " if total else ""
            progress(f"{share}{_mb(out.tell())}{f' / {_mb(total)}' if total else ''}")


def _plausible(known: KnownModel, total: int) -> None:
    if known.size and total and total != known.size:
        raise ChecksumWrong(
            f"{known.url} has {total:,} bytes, config/models.toml says {known.size:,}: it is another file, not loaded"
        )


def _total(answer: httpx.Response, at: int) -> int:
    """Return the length of the whole archive as the server tells it, 0 where it does not."""
    ranged = re.fullmatch(r"bytes \d+-\d+/(\d+)", answer.headers.get("content-range", ""))
    if ranged:
        return int(ranged[1])
    length = answer.headers.get("content-length", "")
    return at + int(length) if length.isdigit() else 0


def _strong_tag(answer: httpx.Response) -> str:
    """Return what If-Range may carry (RFC 9110, 13.1.5): a strong ETag, else the date of the last change."""
    tag: str = answer.headers.get("etag", "")
    return tag if tag.startswith('"') else answer.headers.get("last-modified", "")


def _tag_of(part: Path) -> str:
    try:
        tag = json.loads(_note(part).read_text(encoding="utf-8"))["tag"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return tag if isinstance(tag, str) else ""


def _note(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _enough_room(part: Path, more: int) -> None:
    if shutil.disk_usage(part.parent).free < more:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(part))


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _unpack(archive: Path, target: Path, limit: int) -> None:
    """Unpack into a hidden folder, see that it is a whole model, and only then give it its name."""
    work = Path(tempfile.mkdtemp(prefix=f".unpacking-{target.name}-", dir=target.parent))
    try:
        try:
            with zipfile.ZipFile(archive) as packed:
                _extract(packed, work, limit)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
            raise ModelBroken(f"{archive.name} is no archive that can be unpacked ({error}): fetch it again") from error
        tops = list(work.iterdir())
        if len(tops) != 1 or not tops[0].is_dir():
            raise ModelBroken(f"{archive.name} must hold one folder, it holds {len(tops)} things: don't use it")
        open_model(tops[0])
        tops[0].rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _extract(packed: zipfile.ZipFile, work: Path, limit: int) -> None:
    entries = packed.infolist()
    if len(entries) > _MOST_ENTRIES or sum(entry.file_size for entry in entries) > limit:
        raise ModelBroken(f"the archive unpacks to more than {_mb(limit)} or {_MOST_ENTRIES} files: don't use it")
    written = 0
    for entry in entries:
        mode = entry.external_attr >> 16
        to = (work / entry.filename).resolve()
        unusual = stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR} or entry.flag_bits & 1
        if unusual or not to.is_relative_to(work.resolve()) or "\\" in entry.filename:
            raise ModelBroken(f"the archive holds {entry.filename!r}, which no model needs: don't use it")
        if entry.is_dir():
            to.mkdir(parents=True, exist_ok=True)
            continue
        to.parent.mkdir(parents=True, exist_ok=True)
        with packed.open(entry) as content, to.open("xb") as out:
            while chunk := content.read(_CHUNK):
                written += len(chunk)
                if written > limit:
                    raise ModelBroken(f"the archive unpacks to more than {_mb(limit)}: don't use it")
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())


@contextlib.contextmanager
def _locked(path: Path, progress: Progress) -> Iterator[None]:
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("另一个进程正在下载 another process is fetching it: waiting")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _mb(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
