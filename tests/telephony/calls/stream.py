"""Hand-written AMI events as telephony.md describes them, for what no recording shows."""

from telephony.ami.protocol import AmiMessage

START = 1_795_430_000
CITIZEN = f"{START}.1"
# short name → (Uniqueid, channel)
CHANNELS = {
    "citizen": (CITIZEN, "PJSIP/citizen-00000001"),
    "other": (f"{START}.51", "PJSIP/citizen-00000033"),
    "8001": (f"{START}.2", "PJSIP/8001-00000002"),
    "8002": (f"{START}.3", "PJSIP/8002-00000003"),
    "8003": (f"{START}.4", "PJSIP/8003-00000004"),
}


def event(name: str, seconds: float, channel: str = "citizen", call: str = "citizen", **more: str) -> AmiMessage:
    """One event on a channel, `seconds` after START; plain app_queue's, with Linkedid and without CALLREF."""
    uniqueid, channel_name = CHANNELS[channel]
    number = {"citizen": "13800001111", "other": "13900002222"}.get(channel, channel)
    headers = {
        "Event": name,
        "Timestamp": f"{START + int(seconds)}.{round(seconds % 1 * 1_000_000):06}",
        "Channel": channel_name,
        "CallerIDNum": number,
        "Uniqueid": uniqueid,
        "Linkedid": CHANNELS[call][0],
    }
    return AmiMessage("event", name, headers | more)


def bridged(first: float, last: float, *channels: str, bridge: str = "b1", call: str = "citizen") -> list[AmiMessage]:
    """Channels that talk to each other from `first` to `last` seconds."""
    return [
        event(name, seconds, channel, call, BridgeUniqueid=bridge, BridgeTechnology="simple_bridge")
        for name, seconds in (("BridgeEnter", first), ("BridgeLeave", last))
        for channel in channels
    ]


def queued(seconds: float, call: str = "citizen") -> list[AmiMessage]:
    """A citizen who calls and joins the queue a tenth of a second later."""
    return [
        event("Newchannel", seconds, call, call),
        event("QueueCallerJoin", seconds + 0.1, call, call, Queue="hotline"),
    ]


def rings(seconds: float, agent: str, caller: str = "citizen") -> list[AmiMessage]:
    """An agent's phone that begins to ring for a citizen."""
    rung = {"DestUniqueid": CHANNELS[agent][0], "DestChannel": CHANNELS[agent][1]}
    return [event("Newchannel", seconds, agent, caller), event("DialBegin", seconds, caller, caller, **rung)]


def hangs_up(seconds: float, channel: str = "citizen", call: str = "citizen") -> list[AmiMessage]:
    """A side that ends the call itself."""
    return [event("HangupRequest", seconds, channel, call), event("Hangup", seconds, channel, call)]
