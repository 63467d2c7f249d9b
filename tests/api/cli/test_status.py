from datetime import UTC, datetime, timedelta

from api.cli.status import Status, read
from api.heartbeats.models import HeartbeatRow
from api.kit.database import Database
from api.kit.settings import NodeSettings, Settings

STARTED = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


async def router_of(database: Database, settings: Settings) -> Status:
    async with database.session() as session:
        for minute, (pid, node, standby, detail) in enumerate(
            [
                (1, "north", False, "north 在岗 active, connected"),
                (2, "north", True, "north 备用 standby"),
                (3, "south", False, "south 在岗 active, connected"),
            ]
        ):
            session.add(
                HeartbeatRow(
                    process="router",
                    host="host",
                    pid=pid,
                    started_at=STARTED + timedelta(minutes=minute),
                    node=node,
                    standby=standby,
                    detail=detail,
                )
            )
    return next(status for status in await read(settings) if status.part == "router")


async def test_the_router_at_work_is_shown_with_who_stands_by(database: Database, settings: Settings) -> None:
    status = await router_of(database, settings.model_copy(update={"node": NodeSettings(name="north")}))
    assert (status.up, status.pid) == (True, 1)
    assert status.detail == "north 在岗 active, connected; 备用 standby: 1"


async def test_another_nodes_router_is_not_ours(database: Database, settings: Settings) -> None:
    status = await router_of(database, settings)
    assert not status.up
