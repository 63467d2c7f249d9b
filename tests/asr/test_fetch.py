import hashlib
import io
import stat
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from asr.catalogue import KnownModel, known_model, load_catalogue
from asr.errors import ModelBroken, ModelError, ModelMissing
from asr.fetch import ChecksumUnknown, ChecksumWrong, DownloadFailed, NoSpace, fetch
from asr.model import SpeechModel

NAME = "vosk-model-small-cn-0.22"
ROOT = Path(__file__).parents[2]


class Source(ThreadingHTTPServer):
    """A publisher's server: one file, with ranges and a tag or without, that may break off after some bytes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body = b""
        self.tag: str | None = '"1"'
        self.break_after: list[int] = []
        self.asked: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{NAME}.zip"


class Handler(BaseHTTPRequestHandler):
    server: Source

    def do_GET(self) -> None:
        source, wanted = self.server, self.headers.get("Range")
        source.asked.append(wanted)
        start = 0
        if wanted and source.tag and self.headers.get("If-Range") == source.tag:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(source.body) - 1}/{len(source.body)}")
        else:
            self.send_response(200)
        if source.tag:
            self.send_header("ETag", source.tag)
        part = source.body[start:]
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part[: source.break_after.pop(0)] if source.break_after else part)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def source() -> Iterator[Source]:
    with Source() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def archive(speech_model: SpeechModel) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as packed:
        for path in sorted(speech_model.path.rglob("*")):
            packed.write(path, f"{NAME}/{path.relative_to(speech_model.path)}")
    return out.getvalue()


def pinned(source: Source, body: bytes, *, size: int | None = None, limit: int = 100_000_000) -> KnownModel:
    wanted = len(body) if size is None else size
    return KnownModel("small-cn", NAME, source.url, wanted, hashlib.sha256(body).hexdigest(), limit, "Apache-2.0", "")


def told(_: str) -> None:
    """Progress that nobody reads."""


def zipped(*entries: tuple[str, bytes, int]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content, mode in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            packed.writestr(info, content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir() if not each.name.endswith(".lock"))


def test_a_model_is_fetched_once(source: Source, archive: bytes, tmp_path: Path) -> None:
    source.body = archive
    first = fetch(pinned(source, archive), tmp_path, told)
    assert (first.brought, first.model.name, first.model.sample_rate) == (True, NAME, 8000)
    assert names(tmp_path) == [NAME]
    again = fetch(pinned(source, archive), tmp_path, told)
    assert (again.brought, again.model) == (False, first.model)
    assert len(source.asked) == 1


def test_an_interrupted_download_goes_on_where_it_stopped(source: Source, archive: bytes, tmp_path: Path) -> None:
    source.body, source.break_after = archive, [1_000_000, 500_000, 100_000]
    with pytest.raises(DownloadFailed, match=r"1\.6 MB are here; run the same command again"):
        fetch(pinned(source, archive), tmp_path, told)
    assert not (tmp_path / NAME).exists()
    assert fetch(pinned(source, archive), tmp_path, told).brought
    assert source.asked == [None, "bytes=1000000-", "bytes=1500000-", "bytes=1600000-"]


def test_a_server_without_ranges_begins_anew(source: Source, archive: bytes, tmp_path: Path) -> None:
    source.body, source.tag, source.break_after = archive, None, [1_000_000]
    assert fetch(pinned(source, archive), tmp_path, told).brought
    assert source.asked == [None, None]


def test_a_file_that_changed_in_between_is_loaded_whole(source: Source, archive: bytes, tmp_path: Path) -> None:
    source.body, source.break_after = b"x" * len(archive), [1_000_000, 0, 0]
    with pytest.raises(DownloadFailed):
        fetch(pinned(source, archive), tmp_path, told)
    source.body, source.tag = archive, '"2"'
    assert fetch(pinned(source, archive), tmp_path, told).brought


def test_a_pieced_together_file_that_is_wrong_is_loaded_once_more(
    source: Source, archive: bytes, tmp_path: Path
) -> None:
    source.body, source.break_after = b"x" * len(archive), [1_000_000, 0, 0]
    with pytest.raises(DownloadFailed):
        fetch(pinned(source, archive), tmp_path, told)
    source.body = archive  # changed, but its server says that it is the same
    assert fetch(pinned(source, archive), tmp_path, told).brought


def test_a_wrong_checksum_is_never_used(source: Source, archive: bytes, tmp_path: Path) -> None:
    source.body = archive[:-1] + b"!"
    with pytest.raises(ChecksumWrong, match="nothing of it was used"):
        fetch(pinned(source, archive), tmp_path, told)
    assert names(tmp_path) == []


def test_another_size_is_not_even_loaded(source: Source, archive: bytes, tmp_path: Path) -> None:
    source.body = archive
    with pytest.raises(ChecksumWrong, match="another file"):
        fetch(pinned(source, archive, size=7), tmp_path, told)


def test_without_a_checksum_it_asks_for_one(source: Source, archive: bytes, tmp_path: Path) -> None:
    source.body = archive
    unknown = KnownModel("cn", NAME, source.url, 0, "", 100_000_000, "Apache-2.0", "")
    with pytest.raises(ChecksumUnknown, match="--sha256"):
        fetch(unknown, tmp_path, told)
    assert source.asked == []
    assert fetch(unknown, tmp_path, told, hashlib.sha256(archive).hexdigest().upper()).brought


def test_a_given_checksum_may_not_contradict_the_pinned_one(source: Source, archive: bytes, tmp_path: Path) -> None:
    with pytest.raises(ChecksumWrong, match="contradicts"):
        fetch(pinned(source, archive), tmp_path, told, "0" * 64)
    with pytest.raises(ChecksumUnknown, match="64"):
        fetch(pinned(source, archive), tmp_path, told, "abc")


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([("../out", b"x", stat.S_IFREG | 0o644)], "no model needs"),
        ([("/tmp/out", b"x", stat.S_IFREG | 0o644)], "no model needs"),  # noqa: S108
        ([("m/am", b"/etc", stat.S_IFLNK | 0o777)], "no model needs"),
        ([("m/zeros", b"\0" * 2_000_000, stat.S_IFREG | 0o644)], "more than"),
        ([("a/x", b"", 0), ("b/x", b"", 0)], "one folder"),
        ([("m/am/final.mdl", b"", 0)], "lacks"),
    ],
)
def test_a_hostile_archive_writes_nothing(
    source: Source, tmp_path: Path, entries: list[tuple[str, bytes, int]], why: str
) -> None:
    source.body = zipped(*entries)
    with pytest.raises(ModelBroken, match=why):
        fetch(pinned(source, source.body, limit=1_000_000), tmp_path / "models", told)
    assert not (tmp_path / "out").exists()
    assert NAME not in names(tmp_path / "models")
    assert not any(name.startswith(".unpacking") for name in names(tmp_path / "models"))


def test_what_is_no_archive_is_said_to_be_none(source: Source, tmp_path: Path) -> None:
    source.body = b"<html>sign in to the hotel's network</html>"
    with pytest.raises(ModelBroken, match="no archive"):
        fetch(pinned(source, source.body), tmp_path, told)


def test_a_full_disk_is_told_and_the_next_try_brings_the_model(source: Source, archive: bytes, tmp_path: Path) -> None:
    source.body = archive
    part = tmp_path / f".{NAME}.zip.part"
    part.symlink_to("/dev/full")  # the kernel's own full disk: every write fails with ENOSPC
    with pytest.raises(NoSpace, match="make room"):
        fetch(pinned(source, archive), tmp_path, told)
    assert not (tmp_path / NAME).exists()
    part.unlink()
    assert fetch(pinned(source, archive), tmp_path, told).brought


def test_the_shipped_catalogue() -> None:
    catalogue = load_catalogue(ROOT / "config/models.toml")
    assert sorted(catalogue) == ["cn", "small-cn"]
    assert all(len(known.sha256) == 64 and known.size > 40_000_000 for known in catalogue.values())
    with pytest.raises(ModelMissing, match="known are: cn, small-cn"):
        known_model(catalogue, "english")


@pytest.mark.parametrize(
    ("old", "new"),
    [("size = 1", "size = -1"), ('name = "vosk', 'name = "../vosk'), ('"https:', '"file:'), ("[cn]", "[")],
)
def test_a_wrong_catalogue_says_where(tmp_path: Path, old: str, new: str) -> None:
    text = (ROOT / "config/models.toml").read_text(encoding="utf-8")
    (tmp_path / "models.toml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ModelError, match=r"models\.toml"):
        load_catalogue(tmp_path / "models.toml")
