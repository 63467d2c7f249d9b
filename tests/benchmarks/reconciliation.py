"""A city's day of 14,000 calls compared with Asterisk's own records, behind older days in the same files.

Goals: the day is read and compared in 30 s of this machine's time, and what lies before it costs nothing to speak of.
"""

import re
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from telephony.calls.model import Call
from telephony.calls.replay import replay
from telephony.reconciliation.compare import compare
from telephony.reconciliation.records import read_records
from telephony.records.cdr import CDR_FILE
from telephony.records.cel import CEL_FILE
from telephony.records.queue_log import QUEUE_LOG_FILE

CALLS = 14_000
OLDER_DAYS = 2
DAY_SECONDS = 86_400
GOAL_SECONDS, GOAL_OLDER = 30.0, 1.2
FIXTURES = Path(__file__).parents[1] / "fixtures/ami"
# The mix: most are answered, some give up, some are sent on.
MIX = ("answered_by_queue",) * 8 + ("abandoned_after_8s", "blind_transfer")
FILES = {"cel.csv": CEL_FILE, "queue_log": QUEUE_LOG_FILE, "cdr.csv": CDR_FILE}
START = datetime(2026, 11, 25, tzinfo=UTC)
_UNIX = re.compile(r"(?<![0-9])17954[0-9]{5}(?=[.|]|[0-9]{6}(?![0-9]))")
_CLOCKS = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9:]{8}")


def main() -> int:
    """Write the files, compare, print; 1 when a goal is missed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        calls = write(folder / "day", 0)
        alone = measured(folder / "day", calls)
        write(folder / "long", OLDER_DAYS)
        behind = measured(folder / "long", calls)
    met, same = alone <= GOAL_SECONDS, behind <= alone * GOAL_OLDER
    tell(f"{len(calls)} calls compared in {alone:.1f} s of CPU (goal ≤ {GOAL_SECONDS:.0f} s)", met=met)
    tell(f"behind {OLDER_DAYS} older days {behind / alone:.2f} × as long (goal ≤ {GOAL_OLDER} ×)", met=same)
    return 0 if met and same else 1


def tell(what: str, *, met: bool) -> None:
    """Print a goal and whether it is met."""
    sys.stdout.write(f"{what} {'met' if met else 'MISSED'}\n")


def measured(folder: Path, calls: list[Call]) -> float:
    """Return the CPU seconds of one comparison, which must find nothing."""
    began = time.process_time()
    until = START + timedelta(days=1)
    records = read_records(folder / "log", folder / "recordings", START, until)
    findings = compare(calls, records, START, until, until + timedelta(hours=3))
    seconds = time.process_time() - began
    if findings.differences or findings.calls != CALLS:
        raise SystemExit(f"{findings.calls} calls, {findings.differences[:3]}")
    return seconds


def write(folder: Path, older_days: int) -> list[Call]:
    """Lay the records of the day, behind those of older days; return the calls of the day as a router stores them."""
    (folder / "recordings").mkdir(parents=True)
    for file in FILES.values():
        (folder / "log" / file).parent.mkdir(parents=True, exist_ok=True)
    rows: dict[str, list[tuple[int, str]]] = {suffix: [] for suffix in FILES}
    calls: list[Call] = []
    parts = {name: Part(name) for name in set(MIX)}
    for day in range(-older_days, 1):
        for number in range(CALLS):
            part = parts[MIX[number % len(MIX)]]
            second = round(START.timestamp()) + day * DAY_SECONDS + number * (DAY_SECONDS - 600) // CALLS
            for suffix in FILES:
                rows[suffix] += part.rows(suffix, second, number)
            if day == 0:
                calls.append(part.call(second, number))
    for suffix, file in FILES.items():
        rows[suffix].sort(key=lambda row: row[0])
        (folder / "log" / file).write_text("".join(text for _, text in rows[suffix]), encoding="utf-8")
    for call in calls:
        for segment in call.segments:
            for end in (".wav", "-agent.wav", "-citizen.wav", ".done"):
                (folder / "recordings" / f"{segment.recording_id}{end}").touch()
    return calls


class Part:
    """One recorded call, to be had at any second under any number."""

    def __init__(self, name: str) -> None:
        [self._call] = replay(FIXTURES / f"{name}.ami")
        self._began = int(self._call.call_ref.partition(".")[0])
        self._lines = {suffix: (FIXTURES / f"{name}.{suffix}").read_text(encoding="utf-8") for suffix in FILES}

    def rows(self, suffix: str, second: int, number: int) -> Iterator[tuple[int, str]]:
        """Yield the rows of one record, each with its second."""
        for line in self._moved(self._lines[suffix], second, number).splitlines(keepends=True):
            if suffix == "cdr.csv":
                ended = _CLOCKS.findall(line)[-1]
                yield round(datetime.fromisoformat(f"{ended}+00:00").timestamp()), line
            else:
                found = re.search(r"[0-9]{10}", line)
                yield int(found[0]) if found else 0, line

    def call(self, second: int, number: int) -> Call:
        """Return the call as it is stored."""
        by = timedelta(seconds=second - self._began)
        call = self._call
        return replace(
            call,
            call_ref=self._moved(call.call_ref, second, number),
            sip_call_id=self._moved(str(call.sip_call_id), second, number),
            offered_at=call.offered_at + by,
            answered_at=call.answered_at and call.answered_at + by,
            ended_at=call.ended_at and call.ended_at + by,
            waits=tuple(
                replace(wait, joined_at=wait.joined_at + by, left_at=wait.left_at and wait.left_at + by)
                for wait in call.waits
            ),
            offers=tuple(
                replace(offer, rang_at=offer.rang_at + by, ended_at=offer.ended_at and offer.ended_at + by)
                for offer in call.offers
            ),
            segments=tuple(
                replace(
                    segment,
                    started_at=segment.started_at + by,
                    ended_at=segment.ended_at and segment.ended_at + by,
                    recording_id=self._moved(str(segment.recording_id), second, number),
                )
                for segment in call.segments
            ),
        )

    def _moved(self, text: str, second: int, number: int) -> str:
        """Move every moment; give channels, bridges and SIP dialogues names of their own."""
        by = second - self._began
        text = re.sub(r"(?<![0-9])(17954[0-9]{5})\.([0-9]{1,3})(?![0-9])", rf"\g<1>.\g<2>{number:05}", text)
        text = _UNIX.sub(lambda found: str(int(found[0]) + by), text)
        text = _CLOCKS.sub(
            lambda found: f"{datetime.fromisoformat(found[0]) + timedelta(seconds=by):%Y-%m-%d %H:%M:%S}", text
        )
        text = re.sub(r"(-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-)[0-9a-f]{12}", rf"\g<1>{number:012x}", text)
        return re.sub(r"(zhitong-[0-9a-f]{8})[0-9a-f]{12}", rf"\g<1>{number:012x}", text)


if __name__ == "__main__":
    sys.exit(main())
