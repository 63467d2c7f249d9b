# ruff: noqa: T201 - it prints a table
"""What a draft costs: it is made anew after every utterance of every live call.

The floor is the JSON of the same transcript, which storing and sending cost anyway.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path

from api.kit.settings import ROOT, load
from asr.draft import draft, load_gazetteer, load_taxonomy
from asr.model import locate
from asr.transcript import Transcript
from tests.benchmarks.corpus.perfect import model_words, perfect_transcript
from tests.benchmarks.corpus.script import load_script, write_calls

LENGTHS = (8, 40, 140)
ROUNDS = 5
CONFIG = Path(ROOT) / "config"


def milliseconds_each(work: Callable[[Transcript], object], transcripts: list[Transcript]) -> float:
    """Give the best of several rounds, CPU milliseconds for each transcript."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for transcript in transcripts:
            work(transcript)
        best = min(best, time.process_time() - started)
    return best / len(transcripts) * 1000


def main() -> None:
    """Print the table."""
    taxonomy, gazetteer = load_taxonomy(CONFIG / "taxonomy.toml"), load_gazetteer(CONFIG / "gazetteer")
    vocabulary = model_words(locate(load().tools_dir / "models").path)
    calls = write_calls(load_script("dev"))
    said = [each for call in calls for each in perfect_transcript(call, vocabulary, gazetteer.names).utterances]
    print("a draft, CPU ms; utterances, the transcript's JSON, the draft, ratio")
    for length in LENGTHS:
        transcripts = [
            Transcript("call", "complete", "perfect", tuple(said[start : start + length]))
            for start in range(0, len(said) - length, length)
        ][:20]
        floor = milliseconds_each(lambda transcript: json.dumps(transcript.to_json()), transcripts)
        drafting = milliseconds_each(lambda transcript: draft(transcript, taxonomy, gazetteer), transcripts)
        print(f"  {length:4}  {floor:6.2f}  {drafting:6.2f}  {drafting / floor:5.1f}")


if __name__ == "__main__":
    main()
