import re

from telephony.dialplan.findings import Finding


def check_queues(text: str, path: str = "queues.conf") -> list[Finding]:
    """Return what in queues.conf would put keys or a machine before the human: `context=` (keys leave the queue)."""
    found = []
    section = ""
    for number, raw in enumerate(text.split("\n"), 1):
        line = re.split(r"(?<!\\);", raw, maxsplit=1)[0].strip()
        header = re.match(r"\[\s*([^\]]+?)\s*\]", line)
        if header:
            section = header[1]
        key, sign, value = line.partition("=")
        if sign and key.strip().lower() == "context" and value.strip("> "):
            reason = f"queue {section!r} has context={value.strip('> ')}: a caller's key would lead out of the queue"
            found.append(Finding(path, number, section, reason))
    return found
