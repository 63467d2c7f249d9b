"""GET /api/v1/agents, and what is ordered of an agent's phone."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from api.accounts import service as accounts
from api.accounts.access import COOKIE, Require, Session
from api.accounts.roles import Permission
from api.accounts.service import Principal
from api.agents import service
from api.agents.schemas import AgentList, OrderIn, OrderOut
from api.commands import service as commands
from api.kit.database import Database
from api.kit.problems import Forbidden, NotFound

router = APIRouter(prefix="/api/v1", tags=["agents"])
Reader = Annotated[Principal, Depends(Require(Permission.READ_AGENTS), scope="function")]
User = Annotated[Principal, Depends(Require(Permission.USE_PHONE), scope="function")]
# What agents do with their own phone; of others, and with other verbs, only who directs them.
OWN_VERBS = frozenset(
    {"login", "logout", "pause", "unpause", "extend", "hold", "unhold", "blind_transfer", "attended_transfer"}
    | {"conference", "dial"}
)
SUPERVISORS_VERBS = frozenset({"listen", "whisper", "join", "set_penalty"})


async def own_seat(request: Request, session: Session) -> str | None:
    """Return the seat of the browser's session; None without one."""
    secret = request.cookies.get(COOKIE)
    return await accounts.seat_of(session, secret) if secret else None


Seat = Annotated[str | None, Depends(own_seat, scope="function")]


@router.get("/agents", response_model=AgentList, summary="What every agent does now")
async def list_agents(session: Session, _principal: Reader) -> Any:
    """Give every agent with state, reason, and since when."""
    return {"items": await service.agents_now(session)}


@router.post(
    "/agents/{extension}/{verb}",
    response_model=OrderOut,
    summary="Order something of an agent's phone",
    responses={403: {}, 404: {}, 409: {"description": "Asterisk did not do it"}, 503: {"description": "No router"}},
)
async def order(
    request: Request,
    extension: str,
    verb: str,
    principal: User,
    seat: Seat,
    body: OrderIn | None = None,
) -> Any:
    """Carry out a verb, and answer when it is done: own phones are everybody's own, others' are the supervisor's.

    Verbs: login, logout, pause (reason), unpause, extend, hold, unhold, blind_transfer (to), attended_transfer (to;
    then without, to hand over), conference (number), dial (number); listen, whisper, join (supervisor), set_penalty
    (value, queue).
    """
    directs = principal.may(Permission.DIRECT_AGENTS)
    if verb not in OWN_VERBS | SUPERVISORS_VERBS:
        raise NotFound(f"There is no verb {verb!r}; there are {', '.join(sorted(OWN_VERBS | SUPERVISORS_VERBS))}.")
    if not directs and (verb in SUPERVISORS_VERBS or extension != seat):
        raise Forbidden("只能操作自己的座席。 This acts on the seat that you chose on the desk, and on no other.")
    given = (body or OrderIn()).model_dump(exclude_none=True)
    about: dict[str, Any] = {name: given.pop(name) for name in ("call_ref", "ticket_id") if name in given}
    if verb in {"listen", "whisper", "join"} and "supervisor" not in given and seat is not None:
        given["supervisor"] = seat
    database: Database = request.app.state.database
    # Its own transaction: the router sees an order only when it is committed, and this request waits for the router.
    async with database.session() as own:
        number = await commands.order(
            own, verb, {"extension": extension, **given}, ordered_by=principal.name, about=about
        )
    return await commands.carried_out(database, number)
