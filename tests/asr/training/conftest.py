import os
from pathlib import Path

import pytest

from asr.training.errors import TrainingError
from asr.training.graph import FstTools
from asr.training.recipe import Recipe, load_recipe

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    return load_recipe(ROOT / "config")


@pytest.fixture(scope="session")
def fst_tools() -> FstTools:
    """OpenFst as the set-up unpacked it, or the host's own."""
    tools = Path(os.environ.get("ZHITONG_TOOLS", ROOT / ".tools"))
    try:
        return FstTools.under(tools / "speech")
    except TrainingError:
        return FstTools.under(Path("/"))
