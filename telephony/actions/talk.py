import asyncio
from dataclasses import dataclass

from telephony.actions.errors import NoSuchTalk
from telephony.ami.connection import AmiConnection
from telephony.ami.errors import ActionRefused

# The agent's channel remembers whom an order put on hold, so that any router can end it.
HELD = "HELD"
# A channel that is still on its way to the music is refused by Bridge: it is there a moment later.
BRIDGE_TRIES, BRIDGE_PAUSE_SECONDS = 10, 0.1


@dataclass(frozen=True, slots=True)
class Talk:
    """An agent's channel and who is with it now."""

    channel: str
    others: tuple[str, ...]

    def other(self) -> str:
        """Return who talks with the agent. Raises NoSuchTalk when it is nobody, or several."""
        if len(self.others) != 1:
            raise NoSuchTalk(
                f"通话中有 {len(self.others)} 方，不是一方。 This needs one other party in the call, there are "
                f"{len(self.others)}."
            )
        return self.others[0]


async def talk_of(asterisk: AmiConnection, extension: str) -> Talk:
    """Return the call that an agent is in. Raises NoSuchTalk when the agent's phone is in none."""
    shown = (await asterisk.action("CoreShowChannels")).events
    ours = [each for each in shown if _is_of(each.get("Channel"), extension) and each.get("ChannelStateDesc") == "Up"]
    if not ours:
        raise NoSuchTalk(f"座席 {extension} 没有通话。 Agent {extension} is in no call.")
    bridged = [each for each in ours if each.get("BridgeId")] or ours
    mine = bridged[-1]
    bridge = mine.get("BridgeId")
    # In [holding] the agents who hold somebody share a holding bridge; none of them is with another.
    others = [
        each.get("Channel")
        for each in shown
        if bridge
        and each.get("BridgeId") == bridge
        and each.get("Channel") != mine.get("Channel")
        and each.get("Context") != "holding"
        # A third party's phone is with the outer end of a Local channel; who is in the talk is the inner one.
        and not each.get("Channel").endswith(";2")
    ]
    return Talk(mine.get("Channel"), tuple(others))


async def held_by(asterisk: AmiConnection, talk: Talk) -> str:
    """Return the channel that this agent has on hold. Raises NoSuchTalk when there is none, or no more."""
    held = (await asterisk.action("Getvar", Channel=talk.channel, Variable=HELD)).response.get("Value")
    if not held:
        raise NoSuchTalk("没有保持中的来电。 Nobody is on hold.")
    try:
        await asterisk.action("Getvar", Channel=held, Variable="CHANNEL(state)")
    except ActionRefused as refusal:
        raise NoSuchTalk("保持的一方已挂断。 Who was on hold has hung up.") from refusal
    return held


async def put_on_hold(asterisk: AmiConnection, talk: Talk, context: str, extension: str = "s") -> None:
    """Move who talks with the agent to music and the agent to `extension` in `context`, both at once.

    Asterisk has no manager action for hold. A Redirect leaves both channels as they are, and with them the recording.
    Raises NoSuchTalk.
    """
    other = talk.other()
    await asterisk.action("Setvar", Channel=talk.channel, Variable=HELD, Value=other)
    await asterisk.action(
        "Redirect",
        Channel=other,
        Context="held",
        Exten="s",
        Priority=1,
        ExtraChannel=talk.channel,
        ExtraContext=context,
        ExtraExten=extension,
        ExtraPriority=1,
    )


async def take_back(asterisk: AmiConnection, talk: Talk, partner: str) -> None:
    """Bring who is on hold together with `partner`: the agent, or the colleague who was asked. Raises NoSuchTalk."""
    held = await held_by(asterisk, talk)
    await asterisk.action("Setvar", Channel=held, Variable="BACK", Value="1")
    await asterisk.action("Setvar", Channel=talk.channel, Variable=HELD, Value="")
    for tries_left in reversed(range(BRIDGE_TRIES)):
        try:
            await asterisk.action("Bridge", Channel1=partner, Channel2=held, Tone="no")
        except ActionRefused:
            if not tries_left:
                raise
            await asyncio.sleep(BRIDGE_PAUSE_SECONDS)
        else:
            return


def _is_of(channel: str, extension: str) -> bool:
    return channel.rpartition("-")[0] == f"PJSIP/{extension}"
