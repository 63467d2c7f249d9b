import hashlib
import os
import re
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asr.errors import ModelBroken, ModelMissing
from asr.symbols import output_symbols

BUNDLED = "bundled"
"""The name under which the model that comes with this project is asked for."""

_ARCHIVES = Path(__file__).parent / "models"
_SYNTHETIC_PREFIX = "zhitong-demo"
_NEEDED = ("am/final.mdl", "conf/mfcc.conf", "graph/phones/word_boundary.int")
_KALDI_DEFAULT_RATE = 16_000
_NO_WORD = re.compile(r"<eps>|<s>|</s>|#\d|!SIL|\[|<")


@dataclass(frozen=True, slots=True)
class SpeechModel:
    """A Vosk model on disk, checked for completeness.

    `sample_rate` in Hz is what audio must be resampled to; `runtime_grammar` says whether phrases can be given at run
    time (lookahead layout); `synthetic_only` marks the bundled model, which has heard no human being.
    """

    path: Path
    name: str
    sample_rate: int
    vocabulary_size: int
    runtime_grammar: bool
    synthetic_only: bool

    def info(self) -> dict[str, Any]:
        """Describe the model for `zhitong model info` and for logs."""
        return {
            "name": self.name,
            "path": str(self.path),
            "sample_rate": self.sample_rate,
            "vocabulary_size": self.vocabulary_size,
            "runtime_grammar": self.runtime_grammar,
            "synthetic_only": self.synthetic_only,
        }


def locate(models_dir: Path, name: str = BUNDLED, archives: Path = _ARCHIVES) -> SpeechModel:
    """Find a speech model; unpack the bundled one below `models_dir` on first use.

    `name` is `bundled`, a folder in `models_dir` (vosk-model-small-cn-0.22), the short name of a Vosk model there
    (small-cn), or the path of a model anywhere. Raises ModelMissing that lists what there is, or ModelBroken that
    names what is missing.
    """
    if name == BUNDLED:
        return open_model(_unpacked(_bundled_archive(archives), models_dir))
    found = _find(models_dir, name)
    if found is None:
        here = sorted(each.name for each in installed(models_dir))
        raise ModelMissing(
            f"no speech model {name!r}: use {BUNDLED!r}, or the path of a Vosk model, or fetch one "
            f"(zhitong model list); in {models_dir} there are now: {', '.join(here) or 'none'}"
        )
    return open_model(found)


def installed(models_dir: Path) -> list[Path]:
    """Return the folders below `models_dir` that hold a model."""
    folders = [each for each in models_dir.glob("*/") if not each.name.startswith(".")]
    return sorted(each for each in folders if (each / "am").is_dir())


def _find(models_dir: Path, name: str) -> Path | None:
    if os.sep in name:
        path = Path(name).expanduser()
        return path if path.is_dir() else None
    if not name or name.startswith("."):
        return None
    # Vosk's own naming: vosk-model-<short name>-<version>.
    short = re.compile(rf"vosk-model-{re.escape(name)}-[0-9][0-9.]*")
    here = [each for each in installed(models_dir) if short.fullmatch(each.name)]
    whole = models_dir / name
    return whole if whole.is_dir() else max(here, default=None)


def open_model(path: Path) -> SpeechModel:
    """Check that a directory is a whole Vosk model and read what it says of itself. Raises ModelBroken."""
    missing = [needed for needed in _NEEDED if not (path / needed).is_file()]
    static, lookahead = (path / "graph/HCLG.fst").is_file(), (path / "graph/Gr.fst").is_file()
    # Small models keep their words inside Gr.fst; Vosk reads words.txt where there is one.
    vocabulary_size = _vocabulary_size(path)
    if vocabulary_size is None:
        missing.append("graph/words.txt")
    if not static and not (lookahead and (path / "graph/HCLr.fst").is_file()):
        missing.append("graph/HCLG.fst (or graph/HCLr.fst with graph/Gr.fst)")
    if missing:
        raise ModelBroken(f"the speech model {path.name} lacks {', '.join(missing)}: fetch or unpack it again")
    name = re.sub(r"-[0-9a-f]{12}$", "", path.name)
    return SpeechModel(
        path=path,
        name=name,
        sample_rate=_sample_rate(path / "conf/mfcc.conf"),
        vocabulary_size=vocabulary_size or 0,
        runtime_grammar=lookahead and not static,
        synthetic_only=name.startswith(_SYNTHETIC_PREFIX),
    )


def _sample_rate(conf: Path) -> int:
    found = re.search(r"^\s*--sample-frequency\s*=\s*(\d+)", conf.read_text(encoding="utf-8"), re.MULTILINE)
    return int(found[1]) if found else _KALDI_DEFAULT_RATE


def _vocabulary_size(path: Path) -> int | None:
    """Count the words that can be recognised: all but ε, sentence bounds and disambiguators; None: no words here."""
    listed = path / "graph/words.txt"
    if listed.is_file():
        with listed.open(encoding="utf-8") as lines:
            return sum(1 for line in lines if line.strip() and not _NO_WORD.match(line))
    words = output_symbols(path / "graph/Gr.fst")
    return None if words is None else sum(1 for word in words if not _NO_WORD.match(word))


def _bundled_archive(archives: Path) -> Path:
    found = sorted(archives.glob("zhitong-demo-*.tar.xz"))
    if not found:
        raise ModelMissing(f"the bundled speech model is not in {archives}: train it with `zhitong model train`")
    return found[-1]


def _unpacked(archive: Path, models_dir: Path) -> Path:
    """Unpack an archive once: its checksum is in the directory's name, which appears whole or not at all."""
    checksum = hashlib.sha256(archive.read_bytes()).hexdigest()[:12]
    target = models_dir / f"{archive.name.removesuffix('.tar.xz')}-{checksum}"
    if target.is_dir():
        return target
    models_dir.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=models_dir))
    try:
        top = extract(archive, work)
        try:
            top.rename(target)
        except OSError:
            # Another process was quicker; what it put there is the same.
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target


def extract(archive: Path, folder: Path) -> Path:
    """Write a model's archive below `folder` and return its one top directory.

    Links, devices and paths that lead out are refused: ModelBroken.
    """
    try:
        with tarfile.open(archive) as packed:
            for member in packed:
                to = (folder / member.name).resolve()
                if not to.is_relative_to(folder.resolve()) or not (member.isfile() or member.isdir()):
                    raise ModelBroken(f"{archive.name} holds {member.name}, which no model needs: get it again")
                content = packed.extractfile(member)
                if content is not None:
                    to.parent.mkdir(parents=True, exist_ok=True)
                    with to.open("wb") as out:
                        shutil.copyfileobj(content, out)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ModelBroken(
            f"{archive.name} cannot be unpacked ({error}): get it again, and see if disk is left"
        ) from error
    tops = list(folder.iterdir())
    if len(tops) != 1 or not tops[0].is_dir():
        raise ModelBroken(f"{archive.name} must hold one directory, it holds {len(tops)} things: get it again")
    return tops[0]
