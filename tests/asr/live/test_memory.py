"""Memory stays flat: call after call through one process, and one call of hours."""

from pathlib import Path

import numpy as np
import pytest

from asr.live import Finished
from asr.model import SpeechModel
from tests.asr.live.conftest import Samples, listening, new_call

GROWTH_KIB = 12_000


def resident_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0])


@pytest.mark.parametrize(
    ("warm", "calls"), [(20, 80), pytest.param(100, 1000, marks=[pytest.mark.soak, pytest.mark.timeout(3600)])]
)
async def test_call_after_call_takes_no_more_memory(
    tmp_path: Path, citizen_sound: Samples, speech_model: SpeechModel, warm: int, calls: int
) -> None:
    (wire,) = new_call(tmp_path, {"citizen": citizen_sound[8000 * 3 : 8000 * 9]})
    wire.complete()
    sizes = {}
    async with listening() as ear:
        for number in range(1, calls + 1):
            await ear.decoders.open(str(number), [wire.track()], speech_model)
            await ear.decoders.finish(str(number))
            await ear.ended(str(number))
            assert ear.heard(str(number))
            ear.events.clear()
            sizes[number] = resident_kib(ear.decoders.pids()[0])
    assert sizes[calls] - sizes[warm] < GROWTH_KIB, (
        f"{sizes[warm]} KiB after {warm} calls, {sizes[calls]} after {calls}"
    )


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_a_call_of_three_hours_is_heard_to_its_end(
    tmp_path: Path, citizen_sound: Samples, speech_model: SpeechModel
) -> None:
    (wire,) = new_call(tmp_path, {"citizen": np.tile(citizen_sound, 540)})
    wire.complete()
    async with listening() as ear:
        await ear.decoders.open("r", [wire.track()], speech_model)
        await ear.decoders.finish("r")
        await ear.until(ear.heard)
        early = resident_kib(ear.decoders.pids()[0])
        await ear.until(lambda: ear.of(Finished) or ear.decoders.lag_seconds()["r"] < 600, 1500)
        late = resident_kib(ear.decoders.pids()[0])
        assert (await ear.ended("r"))["r"] == Finished("r", 10_800.0, ())
    assert ear.heard()[-1][2] > 10_780
    assert late - early < 10 * GROWTH_KIB
