"""One thing that two tellings of a call do not share, in words for the person who reads it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

Record = Literal["cel", "queue_log", "cdr", "recordings", "database"]

# Chinese first, English beside it, as everywhere that people read.
ADVICE: dict[str, str] = {
    "missing_in_database": (
        "未入库：运行修复；只有 queue_log 或 CDR 有记录的，人工补录。"
        "Not stored: run `zhitong reconcile --repair`; what only queue_log or CDR tell is added by hand."
    ),
    "missing_in_record": (
        "记录缺失：查找被轮转或删除的部分。Stored, but the record does not know it: look for a part rotated or deleted."
    ),
    "cel": (
        "以 CEL 为准：运行修复。CEL is exact to the microsecond: `zhitong reconcile --repair` stores what it says."
    ),
    "told_otherwise": (
        "与 CEL 核对：两者一致则此记录有误，否则修复。"
        "See whether CEL differs from the database, too: if not, this record is wrong; if so, repair."
    ),
    "twice": (
        "重复入库：保留 CEL 有记录的一条。One contact stored as two: keep the call that CEL knows, delete the other."
    ),
    "recording_missing": (
        "录音缺失：查备份与磁盘空间。The sound is not on disk: look in the backup, and whether the disk was full."
    ),
    "recording_unfinished": (
        "录音未完成标记：听到末尾核实。No .done mark: the worker takes it as it is; listen whether its end is there."
    ),
    "recording_unclaimed": (
        "录音无主：运行修复后收听。No segment names it: run `zhitong reconcile --repair`, then listen to it."
    ),
    "records_begin": (
        "恢复更早的记录文件。Put the older part of the record back beside it, under the name that rotation gave it."
    ),
    "records_unreadable": (
        "授予读取权限后重新核对。Give the user that runs zhitong the right to read the record, then reconcile again."
    ),
    "still_open": (
        "无结束记录：重启路由进程。Nothing tells an end: restart the router, it asks Asterisk which calls still live."
    ),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """Which call, which field, what the database says, what the record says, and what to do (a key of ADVICE).

    `call_ref` is None where a whole record is concerned. `offered_at` is when the call began, as far as is known.
    """

    call_ref: str | None
    field: str
    record: Record
    stored: str | None
    recorded: str | None
    advice: str
    offered_at: datetime | None = None
    repaired: bool = False

    @property
    def key(self) -> tuple[str | None, str, Record]:
        """Give what makes it the same difference when it is found again."""
        return self.call_ref, self.field, self.record

    def as_repaired(self) -> "Difference":
        """Give the difference, told as one that is no more."""
        return replace(self, repaired=True)

    def to_json(self) -> dict[str, Any]:
        """Give the shape that is stored, sent and printed."""
        return {
            "call_ref": self.call_ref,
            "offered_at": None if self.offered_at is None else self.offered_at.isoformat(timespec="microseconds"),
            "field": self.field,
            "record": self.record,
            "stored": self.stored,
            "recorded": self.recorded,
            "advice": ADVICE[self.advice],
            "repaired": self.repaired,
        }


def shown(value: object) -> str | None:
    """Give a field's value as a person reads it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    return f"{value:.3f}" if isinstance(value, float) else str(value)
