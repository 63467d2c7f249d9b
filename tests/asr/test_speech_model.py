import io
import shutil
import struct
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from asr.errors import ModelBroken, ModelMissing
from asr.model import SpeechModel, locate, open_model

BUNDLED = max(Path("asr/models").glob("zhitong-demo-*.tar.xz"))


def test_the_bundled_model_is_whole_and_says_what_it_is(speech_model: SpeechModel) -> None:
    info = speech_model.info()
    assert info["name"] == BUNDLED.name.removesuffix(".tar.xz")
    assert info["sample_rate"] == 8000
    assert info["vocabulary_size"] > 500
    assert info["runtime_grammar"] is True
    assert info["synthetic_only"] is True
    assert BUNDLED.stat().st_size <= 3 * 1024 * 1024


def test_it_is_unpacked_once(speech_model: SpeechModel, models_dir: Path) -> None:
    before = (speech_model.path / "am/final.mdl").stat().st_mtime_ns
    assert locate(models_dir) == speech_model
    assert (speech_model.path / "am/final.mdl").stat().st_mtime_ns == before


def test_several_processes_may_unpack_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        found = set(threads.map(lambda _: locate(tmp_path / "new"), range(4)))
    assert len(found) == 1
    assert [each.name for each in (tmp_path / "new").iterdir()] == [found.pop().path.name]


def test_another_model_is_found_by_its_name(speech_model: SpeechModel, tmp_path: Path) -> None:
    shutil.copytree(speech_model.path, tmp_path / "vosk-model-of-ours")
    conf = tmp_path / "vosk-model-of-ours/conf/mfcc.conf"
    conf.write_text("--use-energy=false\n--sample-frequency = 16000\n")
    found = locate(tmp_path, "vosk-model-of-ours")
    assert (found.name, found.sample_rate, found.synthetic_only) == ("vosk-model-of-ours", 16_000, False)


@pytest.mark.parametrize("name", ["vosk-model-cn", "../elsewhere", ""])
def test_a_model_that_is_not_there_says_which_are(tmp_path: Path, name: str) -> None:
    (tmp_path / "vosk-model-small/am").mkdir(parents=True)
    with pytest.raises(ModelMissing, match=r"there are now: vosk-model-small$"):
        locate(tmp_path, name)


@pytest.mark.parametrize("gone", ["am/final.mdl", "conf/mfcc.conf", "graph/words.txt", "graph/Gr.fst"])
def test_an_incomplete_model_names_what_it_lacks(speech_model: SpeechModel, tmp_path: Path, gone: str) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(speech_model.path, broken)
    (broken / gone).unlink()
    with pytest.raises(ModelBroken, match=f"broken lacks .*{gone}"):
        open_model(broken)


def archive(folder: Path, *members: tarfile.TarInfo) -> Path:
    path = folder / "zhitong-demo-x.tar.xz"
    with tarfile.open(path, "w:xz") as out:
        for member in members:
            out.addfile(member, io.BytesIO(b"\0" * member.size))
    return folder


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, 3 if kind == tarfile.REGTYPE else 0
    return info


@pytest.mark.parametrize(
    "bad",
    [
        member("../out"),
        member("/nowhere/out"),
        member("m/link", tarfile.SYMTYPE, "/etc"),
        member("m/fifo", tarfile.FIFOTYPE),
    ],
)
def test_an_archive_cannot_write_elsewhere(tmp_path: Path, bad: tarfile.TarInfo) -> None:
    with pytest.raises(ModelBroken, match="no model needs"):
        locate(tmp_path / "models", archives=archive(tmp_path, bad))
    assert list((tmp_path / "models").iterdir()) == []
    assert not (tmp_path / "out").exists()


def test_a_torn_archive_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "zhitong-demo-x.tar.xz").write_bytes(BUNDLED.read_bytes()[:100_000])
    with pytest.raises(ModelBroken, match="cannot be unpacked"):
        locate(tmp_path / "models", archives=tmp_path)
    assert list((tmp_path / "models").iterdir()) == []


def test_an_archive_of_two_things_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelBroken, match="must hold one directory"):
        locate(tmp_path / "models", archives=archive(tmp_path, member("a/x"), member("b/x")))


def test_without_the_archive_it_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="zhitong model train"):
        locate(tmp_path / "models", archives=tmp_path)


def test_a_model_that_keeps_its_words_inside_the_grammar_is_whole(speech_model: SpeechModel, tmp_path: Path) -> None:
    # Official small models have no words.txt; here the bundled one is made so. Only our reader is tested, not Vosk.
    shutil.copytree(speech_model.path, tmp_path / "small")
    graph = tmp_path / "small/graph"
    listed = [line.split() for line in (graph / "words.txt").read_text(encoding="utf-8").splitlines() if line.strip()]
    (graph / "words.txt").unlink()
    with pytest.raises(ModelBroken, match=r"words\.txt"):
        open_model(tmp_path / "small")
    table = (
        struct.pack("<i", 2125658996) + struct.pack("<i", 5) + b"words" + struct.pack("<qq", len(listed), len(listed))
    )
    for word, key in listed:
        table += struct.pack("<i", len(word.encode())) + word.encode() + struct.pack("<q", int(key))
    plain = (graph / "Gr.fst").read_bytes()
    flags_at = 4 + 4 + len("const") + 4 + len("standard") + 4
    flags = struct.unpack_from("<i", plain, flags_at)[0] | 2
    header_end = flags_at + 4 + 8 * 4
    (graph / "Gr.fst").write_bytes(
        plain[:flags_at] + struct.pack("<i", flags) + plain[flags_at + 4 : header_end] + table + plain[header_end:]
    )
    assert open_model(tmp_path / "small").vocabulary_size == speech_model.vocabulary_size
