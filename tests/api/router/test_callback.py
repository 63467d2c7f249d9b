"""A callback by a real router and real phones: the call itself tells that the caller was reached."""

import asyncio
from datetime import timedelta
from pathlib import Path

from api.callbacks import service as callbacks
from api.callbacks.models import CallbackRow
from api.callbacks.repository import CallbackFilter
from api.calls import service as calls
from api.jobs.discovery import Discovery
from api.jobs.queue import open_queue
from api.kit import clock
from api.kit.database import Database
from api.kit.settings import ROOT, load
from api.outward import service as outward
from api.outward.repository import OutwardFilter
from api.supervisor.site import asterisk_site
from telephony.actions.conference import conference
from telephony.actions.reach import Reach
from telephony.ami.connection import AmiConnection
from telephony.asterisk.configure import AsteriskSite
from telephony.asterisk.install import find_or_fetch
from telephony.asterisk.process import AsteriskProcess
from tests.api.callbacks.conftest import FILE
from tests.api.enforcement.conftest import abandoned
from tests.support.own_asterisk import Hotline, router

# Whoever gave up called from here: there is no line outward, and this phone can be rung.
CALLER = "8002"


async def _only(database: Database) -> CallbackRow | None:
    async with database.session() as session:
        found, _ = await callbacks.page(session, CallbackFilter(), None, 10)
    return found[0] if found else None


async def _dialled(database: Database) -> CallbackRow:
    """Call back by the phone 8001 as soon as the callback is there."""
    async with asyncio.timeout(20):
        while (one := await _only(database)) is None:
            await asyncio.sleep(0.1)
    async with database.session() as session:
        return await callbacks.dial(session, one.callback_id, "8001", "张敏", clock.now())


async def _until_talking(asterisk: AmiConnection, *third: str) -> None:
    async with asyncio.timeout(20):
        while True:
            shown = (await asterisk.action("CoreShowChannels")).events
            if {each.get("Channel")[6:10] for each in shown if each.get("BridgeId")} == {"8001", CALLER, *third}:
                return
            await asyncio.sleep(0.05)


async def _heard(database: Database) -> CallbackRow:
    async with asyncio.timeout(30):
        while (one := await _only(database)) is None or one.tries[-1].heard is None:
            await asyncio.sleep(0.1)
    return one


def _manager(site: AsteriskSite) -> AmiConnection:
    return AmiConnection("127.0.0.1", site.ami_port, site.ami_user, site.ami_secret, wanted=frozenset())


async def test_a_caller_who_is_reached_while_the_router_dies_is_told_of_by_the_next_one(
    environment: dict[str, str], folder: Path, database: Database, sound: Path
) -> None:
    (folder / "config/service_levels.toml").write_text(FILE, encoding="utf-8")
    site, install = asterisk_site(load(folder / "data")), find_or_fetch(ROOT / ".tools", print)
    phones = Hotline(site, install, sound)
    async with database.session() as session:
        await calls.store_calls(session, [abandoned("east-1.1", clock.now() - timedelta(minutes=1), 20, caller=CALLER)])
    with AsteriskProcess(site, install):
        async with phones.agent("8001"), phones.agent(CALLER), phones.agent("8003"), _manager(site) as asterisk:
            with router(environment, folder):
                await _dialled(database)
                await _until_talking(asterisk)
                await conference(asterisk, Reach.of(site), extension="8001", number="8003")
                await _until_talking(asterisk, "8003")
            # Nobody of ours sees its end.
            await asterisk.action("Hangup", Channel="/^PJSIP/8001-.*$/")
            with router(environment, folder):
                one = await _heard(database)
    (tried,) = one.tries
    assert (one.state, tried.result, tried.told_by) == ("reached", "reached", None)
    assert tried.talk_seconds is not None
    assert tried.talk_seconds > 0
    assert tried.recording_id is not None
    assert (site.directories.outward / f"{tried.recording_id}.wav").stat().st_size > 44
    assert await _found(database, environment, site) == ["8001", "8003"], "who was called in is recorded by itself"


async def _found(database: Database, environment: dict[str, str], site: AsteriskSite) -> list[str]:
    """Look for recordings as a worker does; returns whose the only outward call has."""
    queue = open_queue(environment["ZHITONG_DATABASE_URL"])
    async with queue.open_async(), asyncio.timeout(10):
        discovery = Discovery(database, queue, site.directories.recordings)
        while await discovery.look():
            pass
    async with database.session() as session:
        [placed], _ = await outward.page(session, OutwardFilter(), None, 10)
    return [each["agent"] for each in placed["recordings"]]
