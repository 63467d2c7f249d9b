"""GET /api/v1/reconciliations: whether the stored calls are those of Asterisk's own records."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from api.accounts.access import Require, Session
from api.accounts.roles import Permission
from api.accounts.service import Principal
from api.kit.pagination import Cursor
from api.reconciliations import service
from api.reconciliations.schemas import ReconciliationPage

router = APIRouter(prefix="/api/v1", tags=["calls"])
Reader = Annotated[Principal, Depends(Require(Permission.READ_RECONCILIATIONS), scope="function")]


@router.get("/reconciliations", response_model=ReconciliationPage, summary="Comparisons with Asterisk's own records")
async def list_reconciliations(
    session: Session,
    _principal: Reader,
    cursor: Annotated[str | None, Query(max_length=600)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
) -> Any:
    """Give what was compared and found, latest first: each night, after each gap, and when somebody asked."""
    rows, following = await service.page(session, Cursor.decode(cursor) if cursor else None, limit)
    return {"items": rows, "next_cursor": following}
