from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from api.kit.base import Base

CAUSES = ("asked", "nightly", "resync")


class ReconciliationRow(Base):
    """One comparison of a node's calls offered in [since, until).

    `in_records`: how many calls each record tells. `unsettled` and `repaired` count all differences; `differences`
    holds the first of them, in the shape of `telephony.reconciliation.difference.Difference.to_json`.
    """

    __tablename__ = "reconciliations"
    __table_args__ = (
        CheckConstraint(f"cause IN {CAUSES}", name="cause"),
        Index("ix_reconciliations_made_at", "made_at", "reconciliation_id"),
    )

    reconciliation_id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    node: Mapped[str]
    cause: Mapped[str]
    since: Mapped[datetime]
    until: Mapped[datetime]
    made_at: Mapped[datetime]
    calls: Mapped[int]
    running: Mapped[int]
    in_records: Mapped[dict[str, Any]]
    unsettled: Mapped[int]
    repaired: Mapped[int]
    differences: Mapped[list[dict[str, Any]]]
