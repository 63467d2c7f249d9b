"""Reconciliations as they are sent."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

Record = Literal["cel", "queue_log", "cdr", "recordings", "database"]


class DifferenceOut(BaseModel):
    """One field in which the database and a record differ; `call_ref` is null where a whole record is concerned."""

    call_ref: str | None
    offered_at: datetime | None
    field: str
    record: Record
    stored: str | None
    recorded: str | None
    advice: str
    repaired: bool


class ReconciliationOut(BaseModel):
    """One comparison of the calls offered in [since, until) with Asterisk's own records."""

    model_config = ConfigDict(from_attributes=True)

    reconciliation_id: int
    node: str
    cause: Literal["asked", "nightly", "resync"]
    since: datetime
    until: datetime
    made_at: datetime
    calls: int
    running: int
    in_records: dict[str, int]
    unsettled: int
    repaired: int
    differences: list[DifferenceOut]


class ReconciliationPage(BaseModel):
    """Reconciliations, latest first; `next_cursor` is null on the last page."""

    items: list[ReconciliationOut]
    next_cursor: str | None
