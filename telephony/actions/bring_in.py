from telephony.actions.talk import Talk
from telephony.ami.connection import AmiConnection

RING_MS = 30_000


async def bring_in(asterisk: AmiConnection, talk: Talk, number: str, *, shown: str) -> None:
    """Ring a seat or a number outside, which sees `shown`, and let it into a talk when it answers.

    By a Local channel, whose recording hears all three whatever their phones send (decision 0018).
    """
    variables = {"TALK": talk.channel, "THIRD": number}
    for name in ("CALLREF", "DIAL_REF"):
        answer = await asterisk.action("Getvar", Channel=talk.channel, Variable=name)
        variables[f"__{name}"] = answer.response.get("Value")
    await asterisk.action(
        "Originate",
        Channel=f"Local/{number}@line/n",
        Context="third",
        Exten="s",
        Priority=1,
        CallerID=shown,
        Timeout=RING_MS,
        Variable=",".join(f"{name}={value}" for name, value in variables.items()),
        Async="true",
    )
