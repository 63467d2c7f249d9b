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
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from vosk import KaldiRecognizer, Model, SetLogLevel

from asr.audio import Track, TrackSource, read_track, resample
from asr.errors import AsrError, DecoderError, ModelBroken

# Vosk looks for the end of an utterance once a call: a fixed step keeps utterances reproducible.
CHUNK_SECONDS = 0.2


def decode_track(model: Model, track: Track, rate: int) -> list[list[list[Any]]]:
    """Decode one speaker: a list of utterances, each a list of [word, start, end, confidence]."""
    data = resample(track.samples, track.rate, rate).tobytes()
    recognizer = KaldiRecognizer(model, rate)
    recognizer.SetWords(True)
    step = int(rate * CHUNK_SECONDS) * 2
    results = [
        recognizer.Result() for at in range(0, len(data), step) if recognizer.AcceptWaveform(data[at : at + step])
    ]
    results.append(recognizer.FinalResult())
    heard = (json.loads(result).get("result", []) for result in results)
    return [[[word["word"], word["start"], word["end"], word["conf"]] for word in words] for words in heard if words]


def answer(model: Model, rate: int, request: Mapping[str, Any]) -> dict[str, Any]:
    """Decode the tracks of one request, side by side: Vosk frees the interpreter's lock while it works."""
    tracks = [
        read_track(TrackSource(each["speaker"], Path(each["path"]), each["channel"])) for each in request["tracks"]
    ]
    with ThreadPoolExecutor(max_workers=2) as threads:
        decoded = threads.map(lambda track: decode_track(model, track, rate), tracks)
    return {
        "tracks": [
            {"speaker": track.speaker, "torn": track.torn, "utterances": utterances}
            for track, utterances in zip(tracks, decoded, strict=True)
        ]
    }


def main(arguments: Sequence[str]) -> int:
    """Load the model, say so, and answer until the input ends."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # whatever a library prints must not stand between the answers
    path, rate = arguments[0], int(arguments[1])
    SetLogLevel(-1)
    try:
        model = Model(path)
    except Exception as error:  # noqa: BLE001 - vosk raises no narrower one
        _say(out, _error(ModelBroken(f"Vosk cannot load the model {Path(path).name} ({error}): get it again")))
        return 1
    _say(out, {"ready": True})
    requests: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read, args=(requests,), daemon=True).start()
    while True:
        request = json.loads(requests.get())
        try:
            _say(out, answer(model, rate, request))
        except AsrError as error:
            _say(out, _error(error))
        except Exception as error:  # noqa: BLE001 - one bad recording must not end the process
            _say(out, _error(DecoderError(f"decoding failed ({type(error).__name__}: {error}): keep the recording")))


def _read(requests: "queue.Queue[str]") -> None:
    for line in sys.stdin:
        requests.put(line)
    os._exit(0)  # whoever asked is gone; nobody will read what is still being decoded


def _say(out: Any, message: Mapping[str, Any]) -> None:
    out.write(json.dumps(message, ensure_ascii=False) + "\n")


def _error(error: AsrError) -> dict[str, Any]:
    return {"error": {"error_id": error.error_id, "message": str(error)}}


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
