"""What each dialplan application does to a caller, as far as the proof needs to know. Names in lower case."""

import re

# These wait for keys, for speech or for somebody who is not an agent.
INTERACTIVE = {
    "background": "plays a prompt and takes keys",
    "backgrounddetect": "plays a prompt and listens for the caller",
    "read": "waits for keys",
    "readexten": "waits for keys",
    "waitexten": "waits for keys",
    "waitdigit": "waits for keys",
    "waitfordigit": "waits for keys",
    "storedtmf": "collects keys",
    "storedtmfstart": "collects keys",
    "receivemf": "waits for digits",
    "receivesf": "waits for digits",
    "ivrdemo": "is a menu",
    "directory": "is a menu",
    "authenticate": "asks for a code",
    "vmauthenticate": "asks for a code",
    "disa": "asks for a number",
    "privacymanager": "asks for a number",
    "voicemail": "is a machine, not a human",
    "voicemailmain": "is a menu",
    "vmsayname": "is a machine, not a human",
    "minivmgreet": "is a machine, not a human",
    "minivmrecord": "is a machine, not a human",
    "dictate": "is driven by keys",
    "record": "is a machine, ended by a key",
    "controlplayback": "is driven by keys",
    "externalivr": "hands the caller to a program that may ask for keys",
    "speechbackground": "waits for speech or keys",
    "confbridge": "may ask for keys, and a conference is not a human",
    "meetme": "may ask for keys, and a conference is not a human",
    "followme": "may ask for keys",
    "agi": "hands the caller to a program that may ask for keys",
    "eagi": "hands the caller to a program that may ask for keys",
    "fastagi": "hands the caller to a program that may ask for keys",
    "stasis": "hands the caller to a program that may ask for keys",
    "audiosocket": "hands the caller to a machine",
    "festival": "speaks and may take keys",
    "mp3player": "plays until a key is pressed",
    "sms": "is a machine",
    "amd": "listens for a machine instead of connecting",
    "waitforsilence": "makes the caller wait for nobody",
    "echo": "is a machine, not a human",
    "milliwatt": "is a machine, not a human",
    "morsecode": "is a machine, not a human",
    "alarmreceiver": "waits for digits",
    "zapateller": "plays tones to drive callers away",
    "superviseddisa": "asks for a number",
    "agentlogin": "asks for keys",
    "chanspy": "is driven by keys",
    "extenspy": "is driven by keys",
    "saydigits": "speaks instead of connecting",
    "sayalpha": "speaks instead of connecting",
    "saynumber": "speaks instead of connecting",
}

# These neither ask anything of the caller nor move the call elsewhere.
HARMLESS = frozenset(
    [
        "set",
        "mset",
        "noop",
        "verbose",
        "log",
        "userevent",
        "celgenuserevent",
        "answer",
        "ringing",
        "progress",
        "proceeding",
        "wait",
        "waituntil",
        "playtones",
        "stopplaytones",
        "playback",
        "musiconhold",
        "startmusiconhold",
        "stopmusiconhold",
        "mixmonitor",
        "stopmixmonitor",
        "queuelog",
        "addqueuemember",
        "removequeuemember",
        "pausequeuemember",
        "unpausequeuemember",
        "dbdel",
        "dbdeltree",
        "bridgewait",
        "stackpop",
        "sendtext",
        "channelredirect",
        "setamaflags",
        "resetcdr",
        "forkcdr",
        "dumpchan",
        "system",
        "trysystem",
        "incrementcount",
        "sipaddheader",
    ]
)
ENDS = frozenset({"hangup", "busy", "congestion"})
BRANCHES = frozenset(
    {
        "goto",
        "gotoif",
        "gotoiftime",
        "gosub",
        "gosubif",
        "macro",
        "macroif",
        "return",
        "execif",
        "exec",
        "tryexec",
        "queue",
        "dial",
    }
)

# Dial options that ask the caller or take keys while it rings.
DIAL_INTERACTIVE = {"d": "takes a key while it rings", "p": "screens the caller", "P": "screens the caller"}
# Technologies that ring a device; Local/ only leads back into the dialplan.
_DEVICE = re.compile(r"(PJSIP|SIP|IAX2|DAHDI|SCCP|WebSocket|MOTIF)/.+\Z", re.IGNORECASE)


def is_device(target: str) -> bool:
    """Whether a part of Dial's first argument rings a telephone."""
    return _DEVICE.match(target.strip()) is not None


def split_arguments(arguments: str, separator: str = ",") -> list[str]:
    """Split at `separator` outside every ${…}, $[…], (…) and quotation."""
    parts, depth, current, quoted, escaped = [], 0, "", False, False
    for character in arguments:
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == '"':
            quoted = not quoted
        elif not quoted and character in "({[":
            depth += 1
        elif not quoted and character in ")}]":
            depth -= 1
        elif character == separator and depth <= 0 and not quoted:
            parts.append(current)
            current = ""
            continue
        current += character
    return [*parts, current]


def split_condition(arguments: str) -> tuple[str, str]:
    """Split `condition?yes:no` into yes and no, each empty when it is not given."""
    question = split_arguments(arguments, "?")
    if len(question) == 1:
        return "", ""
    choices = split_arguments("?".join(question[1:]), ":")
    return choices[0].strip(), (choices[1].strip() if len(choices) > 1 else "")


def options_with_arguments(options: str) -> list[tuple[str, str]]:
    """Split an option string `gU(rec-agent)d` into (letter, argument)."""
    return [(found[1], found[2] or "") for found in re.finditer(r"([A-Za-z])(?:\(([^)]*)\))?", options)]
