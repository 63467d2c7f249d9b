"""The acoustic network: MFCC in, a log-probability for each HMM state out, every third frame."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from asr.training.align import realign
from asr.training.features import Features, output_frames
from asr.training.layout import COEFFICIENTS, CONTEXT, FIRST_KERNEL, OFFSETS, SUBSAMPLING, WIDTH
from asr.training.phones import PDF_COUNT
from asr.training.speech import Example

BATCH: Final = 24
PEAK_LEARNING_RATE: Final = 3e-3
LABEL_SMOOTHING: Final = 0.03
PRIOR_SCALE: Final = 0.5
IGNORED: Final = -100


class Network:
    """A time-delay network with residual layers; 1.7 million parameters."""

    def __init__(self, mean: Features, deviation: Features) -> None:
        self.mean, self.deviation = torch.from_numpy(mean), torch.from_numpy(deviation)
        self.layers = nn.ModuleList(
            nn.Conv1d(WIDTH, WIDTH, 3, dilation=offset // SUBSAMPLING, bias=False) for offset in OFFSETS
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(WIDTH) for _ in OFFSETS)
        self.parts = nn.ModuleDict(
            {
                "first": nn.Conv1d(COEFFICIENTS, WIDTH, FIRST_KERNEL, stride=SUBSAMPLING, bias=False),
                "first_norm": nn.BatchNorm1d(WIDTH),
                "layers": self.layers,
                "norms": self.norms,
                "last": nn.Conv1d(WIDTH, PDF_COUNT, 1),
            }
        )

    def __call__(self, features: Tensor) -> Tensor:
        """Return (batch, pdfs, outputs) log-probabilities of (batch, frames, 40) MFCC with CONTEXT at both ends."""
        parts = self.parts
        signal = ((features - self.mean) / self.deviation).transpose(1, 2)
        signal = functional.relu(parts["first_norm"](parts["first"](signal)))
        for layer, norm, offset in zip(self.layers, self.norms, OFFSETS, strict=True):
            edge = offset // SUBSAMPLING
            signal = signal[:, :, edge:-edge] + functional.relu(norm(layer(signal)))
        return functional.log_softmax(parts["last"](signal), dim=1)

    def weights(self) -> dict[str, npt.NDArray[np.float64]]:
        """Return all values for the export: `first.weight`, `norms.2.running_var`, ..., `mean`, `deviation`."""
        values = {**self.parts.state_dict(), "mean": self.mean, "deviation": self.deviation}
        return {name: np.asarray(value.detach().double().numpy()) for name, value in values.items()}


def with_context(features: Features, frames: int) -> Features:
    """Repeat the first and last frame as Kaldi does at the ends, up to `frames` frames plus context."""
    after = CONTEXT + frames - len(features)
    return np.concatenate([np.repeat(features[:1], CONTEXT, 0), features, np.repeat(features[-1:], after, 0)])


def log_posteriors(network: Network, features: Features) -> npt.NDArray[np.float32]:
    """Return (outputs, pdfs) of one utterance."""
    with torch.no_grad():
        scores = network(torch.from_numpy(with_context(features, len(features)))[None])
    return np.asarray(scores[0].T.numpy(), dtype=np.float32)


def priors(labels: Sequence[npt.NDArray[np.int16]]) -> npt.NDArray[np.float64]:
    """Return how often each pdf is the label, never zero."""
    counts = np.bincount(np.concatenate(labels), minlength=PDF_COUNT) + 1.0
    return np.asarray(counts / counts.sum())


def fit(
    examples: Sequence[Example], epochs: int, realign_after: frozenset[int], seed: int, progress: Callable[[str], None]
) -> tuple[Network, npt.NDArray[np.float64]]:
    """Train on the examples, aligning them anew after the given epochs; return the network and the pdfs' priors."""
    torch.manual_seed(seed)
    network = Network(*_statistics(examples))
    labels = [example.labels.astype(np.int64) for example in examples]
    chance = random.Random(seed)  # noqa: S311 (the order of examples, no secret)
    steps = epochs * -(-len(examples) // BATCH)
    optimiser = torch.optim.AdamW(network.parts.parameters(), lr=PEAK_LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_LEARNING_RATE, total_steps=steps)
    for epoch in range(1, epochs + 1):
        network.parts.train()
        losses: list[float] = []
        right = counted = 0
        for batch in _batches(examples, chance):
            inputs, targets = _collate([examples[k] for k in batch], [labels[k] for k in batch])
            scores = network(inputs)
            loss = functional.cross_entropy(scores, targets, ignore_index=IGNORED, label_smoothing=LABEL_SMOOTHING)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(network.parts.parameters(), 5.0)
            optimiser.step()
            schedule.step()
            losses.append(float(loss.detach()))
            right += int((scores.argmax(1) == targets).sum())
            counted += int((targets != IGNORED).sum())
        progress(f"epoch {epoch} of {epochs}: loss {np.mean(losses):.3f}, {right / counted:.1%} of states right")
        if epoch in realign_after:
            labels = _realign_all(network, examples, labels)
    network.parts.eval()
    return network, priors([label.astype(np.int16) for label in labels])


def _statistics(examples: Sequence[Example]) -> tuple[Features, Features]:
    """Return the mean and the standard deviation of the features, without a copy of them all."""
    frames = sum(len(example.features) for example in examples)
    mean = sum(example.features.sum(0, dtype=np.float64) for example in examples) / frames
    squares = sum((example.features.astype(np.float64) ** 2).sum(0) for example in examples) / frames
    return np.asarray(mean, np.float32), np.asarray(np.sqrt(squares - mean**2), np.float32)


def _realign_all(
    network: Network, examples: Sequence[Example], labels: Sequence[npt.NDArray[np.int64]]
) -> list[npt.NDArray[np.int64]]:
    network.parts.eval()
    prior = PRIOR_SCALE * np.log(priors([label.astype(np.int16) for label in labels])).astype(np.float32)
    return [
        realign(log_posteriors(network, example.features) - prior, example.syllables, label)
        for example, label in zip(examples, labels, strict=True)
    ]


def _batches(examples: Sequence[Example], chance: random.Random) -> Iterator[list[int]]:
    """Yield batches of utterances of like length, in random order."""
    order = sorted(range(len(examples)), key=lambda k: len(examples[k].labels) * chance.uniform(0.9, 1.1))
    starts = list(range(0, len(order), BATCH))
    chance.shuffle(starts)
    for start in starts:
        yield order[start : start + BATCH]


def _collate(batch: Sequence[Example], labels: Sequence[npt.NDArray[np.int64]]) -> tuple[Tensor, Tensor]:
    longest = max(len(example.features) for example in batch)
    inputs = np.stack([with_context(example.features, longest) for example in batch])
    targets = np.full((len(batch), output_frames(longest)), IGNORED, dtype=np.int64)
    for row, label in zip(targets, labels, strict=True):
        row[: len(label)] = label
    return torch.from_numpy(inputs), torch.from_numpy(targets)
