"""The model's directory as Vosk expects it, and the archive of it."""

import lzma
import tarfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from asr.training.kaldi_text import Weights, acoustic_model
from asr.training.layout import MFCC_CONF

MODEL_CONF = """\
--min-active=20
--max-active=3000
--beam=10.0
--lattice-beam=6.0
--acoustic-scale=0.6
--frame-subsampling-factor=3
--endpoint.silence-phones=1
--endpoint.rule2.min-trailing-silence=0.5
--endpoint.rule3.min-trailing-silence=1.0
--endpoint.rule4.min-trailing-silence=2.0
"""


def write_acoustics(folder: Path, weights: Weights, priors: npt.NDArray[np.float64]) -> None:
    """Write the network and how to feed it into `folder`; `weights` are named as in asr.training.network."""
    (folder / "am").mkdir(parents=True, exist_ok=True)
    (folder / "am/final.mdl").write_text(acoustic_model(weights, priors))


def write_settings(folder: Path) -> None:
    """Write how sound becomes features and how wide the search is into `folder`.

    A beam of 12 with at least 200 active states, Kaldi's usual, takes twice the time for the same error rate (60 calls:
    12.3 % raw, echoes included, at 75 × real time; 12.4 % at 153 ×): the graph is small. An acoustic scale of 0.6 makes
    3.5 % wrong characters in three dev sets of draft_accuracy, 0.5 3.7 %, 0.75 3.4 % with more places wrong.
    """
    (folder / "conf").mkdir(parents=True, exist_ok=True)
    (folder / "conf/mfcc.conf").write_text(MFCC_CONF)
    (folder / "conf/model.conf").write_text(MODEL_CONF)


def pack(folder: Path, archive: Path) -> Path:
    """Write `folder` as the single top directory of a .tar.xz, with no owner and no dates of this machine."""

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = entry.mtime = 0
        entry.uname = entry.gname = ""
        return entry

    with lzma.open(archive, "wb", preset=9 | lzma.PRESET_EXTREME) as file, tarfile.open(fileobj=file, mode="w") as tar:
        tar.add(folder, arcname=folder.name, filter=plain)
    return archive
