"""What was done about promises that were not kept, as it is shown."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.enforcement.enforcing import target_of
from api.enforcement.models import ActRow, OrderRow
from api.enforcement.policy import Target
from api.enforcement.repository import ActFilter, EnforcementRepository
from api.kit.listing import Listing
from api.kit.pagination import Cursor, cut

COLUMNS = (
    "act_id",
    "desk",
    "target",
    "act",
    "rung",
    "value",
    "numerator",
    "denominator",
    "excluded",
    "limit",
    "done_at",
    "done_by",
    "after_5_min",
    "after_15_min",
    "undone_at",
    "undone_value",
    "undone_reason",
    "policy",
    "policy_sha256",
)


async def page(
    session: AsyncSession, wanted: ActFilter, cursor: Cursor | None, limit: int
) -> tuple[list[ActRow], str | None]:
    """Return acts, latest first, and the cursor of the next page. Raises BadCursor."""
    rows = await EnforcementRepository(session).page(wanted, cursor, limit + 1)
    return cut(rows, limit, lambda act: Cursor(act.done_at, str(act.act_id)))


async def in_force(session: AsyncSession) -> list[ActRow]:
    """Return the acts that are not undone, the oldest first."""
    return await EnforcementRepository(session).in_force()


def listing(wanted: ActFilter) -> Listing:
    """Return the list of the acts that match."""

    async def rows(session: AsyncSession, cursor: Cursor | None, limit: int) -> tuple[list[dict[str, Any]], str | None]:
        acts, following = await page(session, wanted, cursor, limit)
        return [act_json(act) for act in acts], following

    return Listing("enforcement", COLUMNS, rows, _flat)


def act_json(act: ActRow) -> dict[str, Any]:
    """Return an act in the shape that others rely on; `rung` counts from 1."""
    target = target_of(act)
    rung = target.rung[act.rung]
    return {
        "act_id": act.act_id,
        "desk": act.desk,
        "act": act.act,
        "rung": act.rung + 1,
        "zh": rung.zh,
        "en": rung.en,
        "target": _target_json(target),
        "figure": _figure_json(act),
        "limit": act.limit,
        "done_at": _iso(act.done_at),
        "done_by": act.done_by,
        "undone_at": _iso(act.undone_at),
        "undone_value": act.undone_value,
        "undone_reason": act.undone_reason,
        "orders": [_order_json(each) for each in act.orders],
        "effects": [{"after_seconds": each.after_seconds, **_figure_json(each)} for each in act.effects],
        "policy": act.policy.name,
        "policy_sha256": act.policy_sha256,
    }


def _target_json(target: Target) -> dict[str, Any]:
    return {
        "name": target.name,
        "zh": target.zh,
        "en": target.en,
        "metric": target.metric,
        "window": target.window,
        "seconds": target.seconds,
        "unit": target.kind.unit,
        "more_is_worse": target.kind.more_is_worse,
    }


def _figure_json(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("value", "numerator", "denominator", "excluded")}


def _order_json(order: OrderRow) -> dict[str, Any]:
    return {
        "subject": order.subject,
        "verb": order.verb,
        "undo": order.undo,
        "arguments": order.arguments,
        "ordered_at": _iso(order.ordered_at),
        "command_id": order.command_id,
        "node": order.command and order.command.node,
        "result": "announced" if order.verb == "announce" else order.command and order.command.state,
        "error": order.command and order.command.error,
    }


def _flat(act: dict[str, Any]) -> dict[str, Any]:
    after = {each["after_seconds"]: each["value"] for each in act["effects"]}
    effects = {"after_5_min": after.get(300), "after_15_min": after.get(900)}
    return {**act, **act["figure"], **effects, "target": act["target"]["name"]}


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="microseconds") if moment else None
