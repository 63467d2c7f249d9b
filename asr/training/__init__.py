"""The bundled speech model, made from synthesised speech alone: `train` writes the archive that asr/models carries.

Needs the extra [train] and Debian's libespeak-ng1, espeak-ng-data and libfst-tools.
"""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from asr.synthesis import Espeak
from asr.training.errors import TrainingError

MODEL_NAME = "zhitong-demo-8k"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to train on: utterances spoken, sentences for the language model, epochs, and the seed of it all."""

    utterances: int = 36000
    text_sentences: int = 40000
    epochs: int = 10
    realign_after: frozenset[int] = frozenset({2, 4})
    seed: int = 12345


def train(
    out: Path,
    config: Path,
    tools: Path,
    today: date,
    progress: Callable[[str], None],
    plan: Plan | None = None,
) -> Path:
    """Train the model and return its archive, `out/zhitong-demo-8k-<date>.tar.xz`.

    `config` is the project's config directory; `tools` is the root under which Debian's packages are installed (`/`)
    or unpacked. Raises TrainingError or SynthesisError when the recipe is wrong or a tool is missing.
    """
    try:
        from asr.training import corpus, network, pack, speech, words  # noqa: PLC0415
        from asr.training.graph import FstTools  # noqa: PLC0415
        from asr.training.recipe import load_recipe  # noqa: PLC0415
    except ImportError as missing:
        raise TrainingError(f"{missing.name} is not installed: training needs the extra [train]") from missing

    plan = plan or Plan()
    espeak, fst_tools, recipe = Espeak.under(tools), FstTools.under(tools), load_recipe(config)
    vocabulary = recipe.vocabulary()
    progress(f"{len(vocabulary)} words, {len(recipe.voices.training)} voices")
    utterances = corpus.plan(recipe, plan.seed, plan.utterances)
    examples = speech.examples(utterances, espeak, os.cpu_count() or 1, progress)
    trained, priors = network.fit(examples, plan.epochs, plan.realign_after, plan.seed, progress)
    name = f"{MODEL_NAME}-{today.isoformat()}"
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / name
        pack.write_acoustics(folder, trained.weights(), priors)
        pack.write_settings(folder)
        words.write_words(folder, recipe, plan.seed, plan.text_sentences, fst_tools)
        archive = pack.pack(folder, out / f"{name}.tar.xz")
    progress(f"{archive} {archive.stat().st_size / 1e6:.2f} MB")
    return archive


def renew_words(archive: Path, out: Path, config: Path, tools: Path, progress: Callable[[str], None]) -> Path:
    """Give a trained model the words that `config` holds now and the search's settings; the network stays (seconds).

    `archive` is what `train` wrote; the result has the same name, in `out`. Raises ModelBroken, TrainingError.
    """
    from asr.model import extract  # noqa: PLC0415
    from asr.training import pack, words  # noqa: PLC0415
    from asr.training.graph import FstTools  # noqa: PLC0415
    from asr.training.recipe import load_recipe  # noqa: PLC0415

    plan, recipe = Plan(), load_recipe(config)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = extract(archive, Path(scratch))
        pack.write_settings(folder)
        words.write_words(folder, recipe, plan.seed, plan.text_sentences, FstTools.under(tools))
        renewed = pack.pack(folder, out / archive.name)
    progress(f"{renewed} {len(recipe.vocabulary())} words")
    return renewed
