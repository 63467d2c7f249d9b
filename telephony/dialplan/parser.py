import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Step:
    """One priority of an extension."""

    priority: int
    label: str
    application: str
    arguments: str
    line: int


@dataclass(slots=True)
class Context:
    """A context: its extensions (by pattern, in the file's order), what it includes, where it begins."""

    name: str
    line: int
    extensions: dict[str, list[Step]] = field(default_factory=dict)
    includes: list[tuple[str, int]] = field(default_factory=list)
    unreadable: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Dialplan:
    """A parsed extensions.conf."""

    contexts: Mapping[str, Context]
    problems: Sequence[tuple[int, str]]

    def find(self, context: str, extension: str, seen: frozenset[str] = frozenset()) -> tuple[str, str] | None:
        """Return (context, pattern) that answers `extension` in `context`, includes searched after its own ones."""
        here = self.contexts.get(context)
        if here is None or context in seen:
            return None
        if extension in here.extensions:
            return context, extension
        matching = [pattern for pattern in here.extensions if pattern.startswith("_") and matches(pattern, extension)]
        if matching:
            return context, min(matching, key=specificity)
        for included, _ in here.includes:
            found = self.find(included, extension, seen | {context})
            if found:
                return found
        return None


_STEP = re.compile(
    r"\s*(?P<priority>n|s|\d+)\s*(?:\(\s*(?P<label>[^)]*?)\s*\))?\s*(?:\+\s*\d+\s*)?,(?P<call>.*)\Z", re.IGNORECASE
)
_NO_CONTEXT = {"general", "globals"}


def parse(text: str) -> Dialplan:
    """Parse extensions.conf as pbx_config reads it. What cannot be read is a problem, never skipped in silence."""
    contexts: dict[str, Context] = {}
    problems: list[tuple[int, str]] = []
    context: Context | None = None
    in_section = False
    extension = ""
    for number, line in _lines(text):
        header = re.match(r"\[\s*([^\]]+?)\s*\]", line)
        if header:
            in_section, extension = True, ""
            name = header[1]
            context = None if name in _NO_CONTEXT else contexts.setdefault(name, Context(name, number))
            continue
        if line.startswith("#"):
            problems.append((number, f"{line.split()[0]} brings in what this proof cannot see: put it into this file"))
            continue
        key, sign, value = line.partition("=")
        key, value = key.strip().lower(), value.removeprefix(">").strip()
        if context is None:
            if not in_section or key in {"exten", "same", "include"}:
                problems.append((number, f"{key or line!r} stands outside every context"))
            continue
        if not sign:
            problems.append((number, f"{line!r} is no dialplan line"))
        elif key in {"exten", "same"}:
            extension = _add(context, key, value, extension, number)
        else:
            _add_other(context, key, value, number)
    return Dialplan(contexts, problems)


def _add_other(context: Context, key: str, value: str, number: int) -> None:
    if key == "include":
        context.includes.append((value.partition(",")[0].strip(), number))
    elif key in {"switch", "eswitch", "lswitch"}:
        context.unreadable.append((number, f"{key} takes extensions from elsewhere, which this proof cannot see"))
    elif key not in {"ignorepat", "autohints"}:
        context.unreadable.append((number, f"{key!r} is no dialplan word"))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield (number, line) without empty lines and comments: `;` that no backslash escapes, `;-- … --;`."""
    depth = 0
    for number, raw in enumerate(text.split("\n"), 1):
        line, kept = raw, ""
        while line:
            if depth:
                end = line.find("--;")
                if end < 0:
                    break
                depth -= 1
                line = line[end + 3 :]
                continue
            found = re.search(r"(?<!\\);", line)
            if found is None:
                kept += line
                break
            kept += line[: found.start()]
            rest = line[found.start() :]
            if rest.startswith(";--") and not rest.startswith(";---"):
                depth += 1
                line = rest[3:]
            else:
                break
        if kept.strip():
            yield number, kept.strip()


def _add(context: Context, key: str, value: str, extension: str, number: int) -> str:
    """Add one `exten` or `same` line; return the extension it belongs to."""
    if key == "exten":
        extension, comma, value = _first_comma(value)
        extension = extension.strip()
        if not comma:
            context.unreadable.append((number, "an exten line needs extension, priority and application"))
            return extension
    elif not extension:
        context.unreadable.append((number, "same stands before any exten"))
        return extension
    if re.match(r"\s*hint\s*,", value, re.IGNORECASE):
        return extension
    parsed = _STEP.match(value)
    if parsed is None:
        context.unreadable.append((number, f"priority and application cannot be read in {value!r}"))
        return extension
    steps = context.extensions.setdefault(extension, [])
    last = steps[-1].priority if steps else 0
    word = parsed["priority"].lower()
    priority = last + 1 if word == "n" else max(last, 1) if word == "s" else int(word)
    application, arguments = split_call(parsed["call"])
    steps.append(Step(priority, parsed["label"] or "", application, arguments, number))
    return extension


def _first_comma(value: str) -> tuple[str, str, str]:
    """Split at the first comma that is not inside a pattern's brackets."""
    depth = 0
    for index, character in enumerate(value):
        depth += (character == "[") - (character == "]")
        if character == "," and depth <= 0:
            return value[:index], ",", value[index + 1 :]
    return value, "", ""


def split_call(call: str) -> tuple[str, str]:
    """Split `App(arguments)` (or `App`) into name and arguments."""
    found = re.match(r"\s*([A-Za-z_][\w-]*)\s*(?:\((.*)\)\s*)?(.*)\Z", call, re.DOTALL)
    if found is None:
        return call.strip(), ""
    if found[2] is None and found[3].strip():
        return call.strip(), ""
    return found[1], found[2] or ""


def matches(pattern: str, extension: str) -> bool:
    """Whether an Asterisk pattern (`_1X.`; X 0-9, Z 1-9, N 2-9, […], `.` one or more, `!` any) takes `extension`."""
    out = ""
    body = re.sub(r"[ -](?![^\[]*\])", "", pattern.removeprefix("_"))
    index = 0
    while index < len(body):
        character = body[index]
        if character == "[":
            end = body.find("]", index)
            if end < 0:
                return False
            out += "[" + body[index + 1 : end].replace("\\", "").replace("^", "\\^") + "]"
            index = end
        else:
            out += {
                "X": r"\d",
                "x": r"\d",
                "Z": "[1-9]",
                "z": "[1-9]",
                "N": "[2-9]",
                "n": "[2-9]",
                ".": ".+",
                "!": ".*",
            }.get(character, re.escape(character))
        index += 1
    try:
        return re.fullmatch(out, extension) is not None
    except re.error:
        return False


def specificity(pattern: str) -> tuple[int, ...]:
    """Sort key: Asterisk prefers, sign by sign, literal before set before N, Z, X, then `.`, then `!`."""
    ranks = {"[": 1, "N": 2, "Z": 3, "X": 4, ".": 5, "!": 6}
    body = re.sub(r"\[[^\]]*\]", "[", pattern.removeprefix("_").upper())
    return (*(ranks.get(character, 0) for character in body), 9)
