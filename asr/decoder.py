"""The decoding process: `python -m asr.decoder MODEL RATE`, one JSON line in, one out. See docs/decisions/0005.

In: `{"tracks": [{"speaker", "path", "channel"}]}`. Out: first `{"ready": true}`, then for each request
`{"tracks": [{"speaker", "torn", "utterances": [[[word, start, end, confidence], …], …]}]}` or
`{"error": {"error_id", "message"}}`. It ends when its input ends, also in the middle of its work.
"""

import json
import os
import queue
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from vosk import Model, SetLogLevel

from asr.audio import TrackSource, WavParts
from asr.errors import AsrError, DecoderError, ModelBroken
from asr.hearing import Heard, Hearing


def decode_track(model: Model, rate: int, source: TrackSource) -> dict[str, Any]:
    """Decode one speaker: its utterances, each a list of [word, start, end, confidence], and whether it is torn."""
    hearing = Hearing(model, rate)
    utterances: list[Heard] = []
    with WavParts(source.path) as wav:
        torn = wav.info.torn
        for part in wav.parts(source.channel):
            hearing.put(part, wav.info.rate)
            while step := hearing.step():
                utterances += step.utterances
    hearing.end()
    while step := hearing.step():
        utterances += step.utterances
    utterances += hearing.final().utterances
    return {"speaker": source.speaker, "torn": torn, "utterances": utterances}


def answer(model: Model, rate: int, request: Mapping[str, Any]) -> dict[str, Any]:
    """Decode the tracks of one request, one after the other: a process is one core's work."""
    sources = [TrackSource(each["speaker"], Path(each["path"]), each["channel"]) for each in request["tracks"]]
    return {"tracks": [decode_track(model, rate, source) for source in sources]}


def main(arguments: Sequence[str]) -> int:
    """Load the model, say so, and answer until the input ends."""
    out = answers()
    model = load(arguments[0], out)
    if model is None:
        return 1
    rate = int(arguments[1])
    requests: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read, args=(requests,), daemon=True).start()
    while True:
        request = json.loads(requests.get())
        try:
            say(out, answer(model, rate, request))
        except AsrError as error:
            say(out, _error(error))
        except Exception as error:  # noqa: BLE001 - one bad recording must not end the process
            say(out, _error(DecoderError(f"decoding failed ({type(error).__name__}: {error}): keep the recording")))


def answers() -> TextIO:
    """Return where answers go; whatever a library prints must not stand between them and goes to standard error."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    return out


def load(path: str, out: TextIO) -> Model | None:
    """Load a model and say that it is ready; or say why not, and return None."""
    SetLogLevel(-1)
    try:
        model = Model(path)
    except Exception as error:  # noqa: BLE001 - vosk raises no narrower one
        say(out, _error(ModelBroken(f"Vosk cannot load the model {Path(path).name} ({error}): get it again")))
        return None
    say(out, {"ready": True})
    return model


def say(out: TextIO, message: Mapping[str, Any]) -> None:
    """Write one message as a line of ASCII: what a hostile file name holds must not break the pipe."""
    out.write(json.dumps(message) + "\n")


def _read(requests: "queue.Queue[str]") -> None:
    for line in sys.stdin:
        requests.put(line)
    os._exit(0)  # whoever asked is gone; nobody will read what is still being decoded


def _error(error: AsrError) -> dict[str, Any]:
    return {"error": {"error_id": error.error_id, "message": str(error)}}


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
