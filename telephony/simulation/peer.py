"""A manager port without an Asterisk behind it: greets, checks the login, answers actions, sends what it is told."""

import asyncio
import contextlib
import hmac
import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from telephony.simulation.plan import QUEUE, Cue
from telephony.simulation.render import Renderer, Rights
from telephony.simulation.score import CITIZEN, load

log = logging.getLogger(__name__)

GREETING = b"Asterisk Call Manager/11.0.0\r\n"
HOST = "127.0.0.1"
# Asterisk reads at most 128 headers of 1,024 bytes an action.
_MAX_ACTION_BYTES = 128 * 1024
# What a router may order. The plan is not changed by it: its calls are known beforehand.
_ORDERS = frozenset(
    {"QueueAdd", "QueueRemove", "QueuePause", "QueuePenalty", "QueueMemberRingInUse", "QueueChangePriorityCaller"}
    | {"QueueWithdrawCaller", "Redirect", "Originate", "Hangup", "Setvar", "BlindTransfer", "Bridge"}
)


@dataclass(frozen=True, slots=True)
class ManagerAccount:
    """Who may log in, with which rights."""

    username: str
    rights: Rights
    secret: str = field(repr=False)


class Peer:
    """One manager port on loopback, for any number of clients; what it tells while nobody listens is lost, as ever."""

    def __init__(self, account: ManagerAccount, agents: Sequence[str]) -> None:
        self._account = account
        self._renderer = Renderer(account.rights)
        self._agents = agents
        self._paused: dict[str, str] = {}
        self._channels: dict[str, str] = {}
        self._waiting: dict[str, str] = {}
        self._astdb: dict[str, str] = {}
        self._clients: set[asyncio.StreamWriter] = set()
        self._listener: asyncio.Server | None = None
        self.actions: Counter[str] = Counter()
        self.logins = 0
        self.events = 0

    async def start(self, port: int) -> None:
        """Listen on loopback; raises `OSError` when the port is taken."""
        self._listener = await asyncio.start_server(self._serve, HOST, port, limit=_MAX_ACTION_BYTES)

    async def close(self) -> None:
        """Close the port and every connection."""
        if self._listener is not None:
            self._listener.close()
            for writer in list(self._clients):
                writer.close()
            await self._listener.wait_closed()

    async def tell(self, cues: Sequence[Cue]) -> None:
        """Send steps to everybody who is logged in; waits while a client is slow to read."""
        parts = []
        for cue in cues:
            parts.append(self._renderer.events(cue))
            self.events += len(self._renderer.step(cue).told)
            self._remember(cue)
        block = b"".join(parts)
        for writer in list(self._clients):
            with contextlib.suppress(OSError):
                writer.write(block)
                await writer.drain()

    def _remember(self, cue: Cue) -> None:
        names = cue.names
        for told in load(cue.score).steps[cue.step].told:
            if told.event == "Newchannel":
                self._channels[_uniqueid(told.channel, names)] = _channel(told.channel, names)
            elif told.event == "Hangup":
                self._channels.pop(_uniqueid(told.channel, names), None)
            elif told.event == "QueueCallerJoin":
                self._waiting[names["ref"]] = names["channel"]
            elif told.event == "QueueCallerLeave":
                self._waiting.pop(names["ref"], None)
        if cue.score == "pause" and cue.step == "paused":
            self._paused[names["agent1"]] = names["reason"]
        elif cue.score == "pause":
            self._paused.pop(names["agent1"], None)
        elif cue.step == "missed":
            self._paused[names["agent1"]] = "Auto-Pause"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(GREETING)
            if not await self._login(_action(await reader.readuntil(b"\r\n\r\n")), writer):
                return
            while True:
                action = _action(await reader.readuntil(b"\r\n\r\n"))
                writer.write(self._answer(action))
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError) as error:
            log.debug("a client of the simulated manager port left: %r", error)
        finally:
            self._clients.discard(writer)
            writer.close()

    async def _login(self, action: Mapping[str, str], writer: asyncio.StreamWriter) -> bool:
        known = action.get("Username", "") == self._account.username
        right = hmac.compare_digest(action.get("Secret", "").encode(), self._account.secret.encode())
        if action.get("Action", "").lower() != "login" or not (known and right):
            writer.write(_error(action, "Authentication failed"))
            await writer.drain()
            return False
        writer.write(_success(action, Message="Authentication accepted"))
        booted = {"Privilege": "system,all", "Uptime": "1", "LastReload": "1", "Status": "Fully Booted"}
        writer.write(_message({"Event": "FullyBooted", **booted}))
        self.logins += 1
        if action.get("Events", "on").lower() != "off":
            self._clients.add(writer)
        return True

    def _answer(self, action: Mapping[str, str]) -> bytes:
        name = action.get("Action", "")
        self.actions[name] += 1
        match name:
            case "Ping":
                return _success(action, Ping="Pong", Timestamp=f"{time.time():.6f}")
            case "CoreShowChannels" | "QueueStatus":
                return self._state(action)
            case "DBPut" | "DBDel" | "DBGetTree":
                return self._advice(action)
            case "Getvar":
                return _success(action, Variable=action.get("Variable", ""), Value="")
            case _ if name in _ORDERS:
                return _success(action, Message=f"{name} taken")
            case _:
                said = f"Invalid/unknown command: {name}. Use Action: ListCommands to show available commands."
                return _error(action, said)

    def _state(self, action: Mapping[str, str]) -> bytes:
        if action["Action"] == "CoreShowChannels":
            return _list(action, "Channels will follow", "CoreShowChannelsComplete", self._shown_channels())
        return _list(action, "Queue status will follow", "QueueStatusComplete", self._queue_status())

    def _advice(self, action: Mapping[str, str]) -> bytes:
        """Keep AstDB as Asterisk does."""
        key = f"/{action.get('Family', '')}/{action.get('Key', '')}"
        if action["Action"] == "DBGetTree":
            return _list(action, "Result will follow", "DBGetTreeComplete", self._tree(action))
        if action["Action"] == "DBPut":
            self._astdb[key] = action.get("Val", "")
            return _success(action, Message="Updated database successfully")
        if self._astdb.pop(key, None) is None:
            return _error(action, "Database entry not found")
        return _success(action, Message="Key deleted successfully")

    def _tree(self, action: Mapping[str, str]) -> list[dict[str, str]]:
        below = f"/{action.get('Family', '')}/"
        entries = [(key, value) for key, value in self._astdb.items() if key.startswith(below)]
        return [{"Event": "DBGetTreeResponse", "Key": key, "Val": value} for key, value in entries]

    def _shown_channels(self) -> list[dict[str, str]]:
        return [
            {"Event": "CoreShowChannel", "Channel": channel, "Uniqueid": uniqueid, "ChannelStateDesc": "Up"}
            for uniqueid, channel in self._channels.items()
        ]

    def _queue_status(self) -> list[dict[str, str]]:
        calls = str(len(self._waiting))
        queue = {
            "Event": "QueueParams",
            "Queue": QUEUE,
            "Strategy": "leastrecent",
            "Calls": calls,
            "ServiceLevel": "15",
        }
        busy = {channel.removeprefix("PJSIP/").partition("-")[0] for channel in self._channels.values()}
        members = [
            {
                "Event": "QueueMember",
                "Queue": QUEUE,
                "Name": agent,
                "Location": f"PJSIP/{agent}",
                "StateInterface": f"PJSIP/{agent}",
                "Membership": "static",
                "Penalty": "1",
                # devicestate.c: 1 not in use, 3 busy.
                "Status": "3" if agent in busy else "1",
                "Paused": "1" if agent in self._paused else "0",
                "PausedReason": self._paused.get(agent, ""),
            }
            for agent in self._agents
        ]
        entries = [
            {"Event": "QueueEntry", "Queue": QUEUE, "Position": str(n), "Channel": channel, "Uniqueid": uniqueid}
            for n, (uniqueid, channel) in enumerate(self._waiting.items(), 1)
        ]
        return [queue, *members, *entries]


def rights_of(manager_conf: str, username: str) -> Rights:
    """Read an account's rights from a rendered manager.conf: `read` and the event names that it excludes."""
    section, classes, excluded = "", set[str](), set[str]()
    for line in manager_conf.splitlines():
        text = line.partition(";")[0].strip()
        if text.startswith("["):
            section = text.strip("[]")
        elif section == username:
            key, _, value = (part.strip() for part in text.partition("="))
            if key == "read":
                classes |= {word.strip() for word in value.split(",")}
            elif key.startswith("eventfilter(action(exclude),name("):
                excluded.add(key.removeprefix("eventfilter(action(exclude),name(").removesuffix("))"))
    return Rights(frozenset(classes), frozenset(excluded))


def _action(block: bytes) -> dict[str, str]:
    lines = block.decode("utf-8", "replace").split("\r\n")
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines if ":" in line)}


def _id(action: Mapping[str, str]) -> dict[str, str]:
    return {"ActionID": action["ActionID"]} if "ActionID" in action else {}


def _message(headers: Mapping[str, str]) -> bytes:
    return "".join(f"{key}: {value}\r\n" for key, value in headers.items()).encode() + b"\r\n"


def _success(action: Mapping[str, str], **more: str) -> bytes:
    return _message({"Response": "Success", **_id(action), **more})


def _error(action: Mapping[str, str], said: str) -> bytes:
    return _message({"Response": "Error", **_id(action), "Message": said})


def _list(action: Mapping[str, str], said: str, complete: str, items: Sequence[Mapping[str, str]]) -> bytes:
    begins = _success(action, EventList="start", Message=said)
    ends = {"Event": complete, **_id(action), "EventList": "Complete", "ListItems": str(len(items))}
    return begins + b"".join(_message({**item, **_id(action)}) for item in items) + _message(ends)


def _uniqueid(channel: int | None, names: Mapping[str, str]) -> str:
    return names["ref"] if channel == CITIZEN else names[f"uniqueid{channel}"]


def _channel(channel: int | None, names: Mapping[str, str]) -> str:
    return names["channel"] if channel == CITIZEN else names[f"channel{channel}"]
