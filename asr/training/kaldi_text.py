"""`am/final.mdl` in Kaldi's text form: the transition model and the network as nnet3 components.

Vosk reads either form; this one needs no Kaldi programs. Batch norms and the features' mean and deviation are folded
into the affine components, whose input is time-major (Append).
"""

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from asr.training.layout import COEFFICIENTS, CONTEXT, FIRST_KERNEL, OFFSETS, WIDTH
from asr.training.phones import BOUNDARIES, FINALS, HMM_STATES, PDF_COUNT, PHONE_COUNT, SILENCE, SOUNDS, phone_id

Matrix = npt.NDArray[np.float64]
Weights = Mapping[str, Matrix]
LOG_HALF = float(np.log(0.5))


def acoustic_model(weights: Weights, priors: Matrix) -> str:
    """Return the text of final.mdl for a network's weights (by their names in asr.training.network) and pdf priors."""
    return f"{_transition_model()}{_nnet(weights)}{_tail(priors)}"


def _transition_model() -> str:
    two_state = [p for s in FINALS for p in range(phone_id(s, "B"), phone_id(s, "S") + 1)]
    one_state = sorted(set(range(1, PHONE_COUNT + 1)) - set(two_state))
    states = [state for phone in HMM_STATES for state in phone]
    triples = "\n".join(f"{state.phone} {state.state} {state.pdf}" for state in states)
    log_probs = " ".join(["0", *[f"{LOG_HALF:.7g}"] * (2 * len(states))])
    return (
        f"<TransitionModel> \n<Topology> \n{_topology_entry(one_state, 1)}{_topology_entry(two_state, 2)}</Topology> \n"
        f"<Triples> {len(states)} \n{triples}\n</Triples> \n<LogProbs> \n [ {log_probs} ]\n</LogProbs> \n"
        "</TransitionModel> \n"
    )


def _topology_entry(phones: list[int], states: int) -> str:
    rows = [
        f"<State> {k} <PdfClass> {k} <Transition> {k} 0.5 <Transition> {k + 1} 0.5 </State> \n" for k in range(states)
    ]
    return (
        f"<TopologyEntry> \n<ForPhones> \n{' '.join(map(str, phones))}\n</ForPhones> \n{''.join(rows)}"
        f"<State> {states} </State> \n</TopologyEntry> \n"
    )


def _folded(kernel: Matrix, norm: tuple[Matrix, Matrix, Matrix, Matrix]) -> tuple[Matrix, Matrix]:
    """Return an affine (weights (out, taps * in), bias) of a convolution (out, in, taps) and the norm after it."""
    gain, shift, mean, variance = norm
    scale = gain / np.sqrt(variance + 1e-5)
    weights = np.concatenate([kernel[:, :, tap] for tap in range(kernel.shape[2])], axis=1)
    return weights * scale[:, None], shift - mean * scale


def _affines(values: Weights) -> Iterator[tuple[str, Matrix, Matrix]]:
    """Yield each affine component's name, weights and bias."""

    def norm(name: str) -> tuple[Matrix, Matrix, Matrix, Matrix]:
        parts = [values[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")]
        return parts[0], parts[1], parts[2], parts[3]

    weights, bias = _folded(values["first.weight"], norm("first_norm"))
    mean, deviation = np.tile(values["mean"], FIRST_KERNEL), np.tile(values["deviation"], FIRST_KERNEL)
    weights = weights / deviation
    yield "tdnn0.affine", weights, bias - weights @ mean
    for layer in range(len(OFFSETS)):
        yield f"tdnn{layer + 1}.affine", *_folded(values[f"layers.{layer}.weight"], norm(f"norms.{layer}"))
    yield "output.affine", values["last.weight"][:, :, 0], values["last.bias"]


def _config() -> Iterator[str]:
    """Yield the nnet3 configuration: which node reads which."""
    yield f"input-node name=input dim={COEFFICIENTS}"
    reach = FIRST_KERNEL // 2
    taps = [f"Offset(input, {k})" if k else "input" for k in range(-reach, reach + 1)]
    yield f"component-node name=tdnn0.affine component=tdnn0.affine input=Append({', '.join(taps)})"
    yield "component-node name=tdnn0.relu component=tdnn0.relu input=tdnn0.affine"
    below = "tdnn0.relu"
    for number, offset in enumerate(OFFSETS, start=1):
        name = f"tdnn{number}"
        spread = f"Append(Offset({below}, -{offset}), {below}, Offset({below}, {offset}))"
        yield f"component-node name={name}.affine component={name}.affine input={spread}"
        yield f"component-node name={name}.relu component={name}.relu input={name}.affine"
        yield f"component-node name={name}.noop component={name}.noop input=Sum({name}.relu, {below})"
        below = f"{name}.noop"
    yield f"component-node name=output.affine component=output.affine input={below}"
    yield "component-node name=output.log-softmax component=output.log-softmax input=output.affine"
    yield "output-node name=output input=output.log-softmax objective=linear"


def _nnet(weights: Weights) -> str:
    components: list[str] = []
    for name, kernel, bias in _affines(weights):
        components.append(f"<ComponentName> {name} {_affine(kernel, bias)}")
        layer = name.removesuffix(".affine")
        if layer == "output":
            components.append(f"<ComponentName> output.log-softmax {_nonlinear('LogSoftmaxComponent', PDF_COUNT)}")
            continue
        components.append(f"<ComponentName> {layer}.relu {_nonlinear('RectifiedLinearComponent', WIDTH)}")
        if layer != "tdnn0":
            components.append(
                f"<ComponentName> {layer}.noop <NoOpComponent> <Dim> {WIDTH} <BackpropScale> 1 </NoOpComponent> \n"
            )
    config = "\n".join(_config())
    return f"<Nnet3> \n{config}\n\n<NumComponents> {len(components)} \n{''.join(components)}</Nnet3> "


def _affine(weights: Matrix, bias: Matrix) -> str:
    rows = "\n  ".join(" ".join(f"{value:.2g}" for value in row) for row in weights)
    return (
        f"<FixedAffineComponent> <LinearParams>  [\n  {rows} ]\n<BiasParams>  [ {_vector(bias)} ]\n"
        "</FixedAffineComponent> \n"
    )


def _nonlinear(kind: str, dimension: int) -> str:
    return f"<{kind}> <Dim> {dimension} <ValueAvg>  [ ]\n<DerivAvg>  [ ]\n<Count> 0 </{kind}> \n"


def _vector(values: Matrix) -> str:
    return " ".join(f"{value:.5g}" for value in values)


def _tail(priors: Matrix) -> str:
    return f"<LeftContext> {CONTEXT} <RightContext> {CONTEXT} <Priors>  [ {_vector(priors)} ]\n"


def word_boundaries() -> str:
    """Return graph/phones/word_boundary.int: where in a word each phone stands."""
    lines = [f"{phone_id(SILENCE)} nonword"]
    lines += [f"{phone_id(sound, position)} {name}" for sound in SOUNDS for position, name in BOUNDARIES.items()]
    return "\n".join(lines) + "\n"
