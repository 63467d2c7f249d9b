import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from telephony.dialplan.applications import (
    BRANCHES,
    DIAL_INTERACTIVE,
    ENDS,
    HARMLESS,
    INTERACTIVE,
    is_device,
    options_with_arguments,
    split_arguments,
    split_condition,
)
from telephony.dialplan.dialled import dialled, rings
from telephony.dialplan.findings import Finding
from telephony.dialplan.parser import Dialplan, Step, parse, split_call
from telephony.dialplan.paths import Place, endless_loops

_DEEPEST_GOSUB = 12
# Where an agent's order moves a citizen who has met a human (telephony/actions/hold.py): no line of the file says so.
_MOVED_TO = ("held",)
# Variables whose value the proof knows: those of the place where the call stands.
_OWN_VARIABLES = re.compile(r"\$\{(EXTEN|CONTEXT)\}")


def check(
    text: str, path: str = "extensions.conf", *, number: str = "12345", context: str = "hotline"
) -> list[Finding]:
    """Prove that every path from `number` in `context` reaches a human with no menu; return what breaks the proof.

    A path is good when it comes to Queue or to Dial of telephones before it ends. Anything that waits for keys or
    speech in an extension that a call can come to (also after a transfer, on the agent's side, or in dead code there),
    a target that does not exist or cannot be known, a file brought in, and a loop without a way out or before any
    human are findings, with the line and the extension. An empty list is the proof.
    """
    plan = parse(text)
    proof = _Proof(plan, path)
    for line, reason in plan.problems:
        proof.report(line, "", reason)
    start = plan.find(context, number)
    if start is None:
        line = plan.contexts[context].line if context in plan.contexts else 1
        proof.report(line, f"{number}@{context}", f"{number} is not an extension of [{context}]: the call is refused")
    else:
        proof.walk(Place(*start, 0, number=number))
        proof.walk_helpers()
        for moved in _MOVED_TO:
            found = plan.find(moved, "s")
            if found is not None:
                proof.walk(Place(*found, 0, number="s", human=True))
        proof.walk_helpers()
    return sorted(set(proof.findings))


@dataclass(slots=True)
class _Proof:
    plan: Dialplan
    path: str
    findings: list[Finding] = field(default_factory=list)
    visited: set[tuple[str, str]] = field(default_factory=set)
    helpers: list[tuple[str, Step, str, str]] = field(default_factory=list)

    def report(self, line: int, extension: str, reason: str) -> None:
        self.findings.append(Finding(self.path, line, extension, reason))

    def walk(self, start: Place, *, caller: bool = True) -> None:
        """Follow every path from `start`; a `caller` must meet a human on each."""
        edges: dict[Place, list[Place]] = {}
        pending = [start]
        while pending:
            place = pending.pop()
            if place in edges:
                continue
            self._visit(place, caller=caller)
            edges[place] = list(self._next(place, caller=caller))
            pending.extend(edges[place])
        for place, before_human in endless_loops(edges, self._leaves):
            if before_human and caller:
                self._at(place, "goes round before any human is called")
            elif not before_human or not caller:
                self._at(place, "goes round with no way out")

    def walk_helpers(self) -> None:
        """Follow what the way of the call names besides: agents' gosubs, hangup handlers, transfers."""
        done: set[tuple[str, str]] = set()
        while self.helpers:
            target, step, context, pattern = self.helpers.pop()
            places = self._resolve(target, Place(context, pattern, 0, number=pattern))
            if not places:
                self.report(step.line, f"{pattern}@{context}", f"names {target!r}, which does not exist")
            for place in places:
                if (place.context, place.pattern) not in done:
                    done.add((place.context, place.pattern))
                    self.walk(place, caller=False)

    def _visit(self, place: Place, *, caller: bool) -> None:
        """Look at the whole extension once: a menu in dead code is one label away from a caller."""
        key = place.context, place.pattern
        if key in self.visited:
            return
        self.visited.add(key)
        here = self.plan.contexts[place.context]
        for line, reason in here.unreadable:
            self.report(line, f"{place.pattern}@{place.context}", reason)
        if caller:
            for pattern, steps in here.extensions.items():
                if re.fullmatch(r"[0-9*#]|_[XZNxzn]|_\[[^\]]*\]", pattern) and pattern != place.number:
                    self.report(
                        steps[0].line, f"{pattern}@{place.context}", "one key pressed by the caller would lead here"
                    )
        for included, line in here.includes:
            if included not in self.plan.contexts:
                self.report(line, f"@{place.context}", f"includes [{included}], which does not exist")
        handlers = [
            pattern for pattern in ("h", "i", "t", "T", "e") if pattern in here.extensions and pattern != place.pattern
        ]
        for pattern in handlers:
            self.helpers.append((f"{place.context},{pattern},1", here.extensions[pattern][0], place.context, pattern))
        for step in here.extensions[place.pattern]:
            self._judge(step, place)

    def _judge(self, step: Step, place: Place, call: tuple[str, str] | None = None) -> None:
        name, arguments = call or (step.application, step.arguments)
        lower = name.lower()
        where = f"{place.pattern}@{place.context}"
        if lower in INTERACTIVE:
            self.report(step.line, where, f"{name} {INTERACTIVE[lower]}")
        elif lower in {"execif", "exec", "tryexec"}:
            for inner in self._inner_calls(lower, arguments):
                self._judge(step, place, inner)
        elif lower not in HARMLESS | ENDS | BRANCHES:
            self.report(step.line, where, f"{name or 'this line'} is not known to leave the caller alone")
        if lower == "bridgewait" and "S(" not in arguments:
            self.report(step.line, where, "BridgeWait without S(seconds) waits for nobody, without end")
        if lower == "dial":
            self._judge_dial(step, place, arguments)
        elif lower == "queue":
            self._judge_queue(step, place, arguments)
        elif lower in {"set", "mset"}:
            self._judge_set(step, place, arguments)

    def _judge_dial(self, step: Step, place: Place, arguments: str) -> None:
        parts = [part.strip() for part in split_arguments(arguments)]
        where = f"{place.pattern}@{place.context}"
        for target in dialled(self.plan, parts[0]):
            if not is_device(target):
                self.report(
                    step.line, where, f"Dial({target or parts[0]}) does not ring a telephone that can be named here"
                )
        for letter, argument in options_with_arguments("".join(parts[2:3])):
            if letter in DIAL_INTERACTIVE:
                self.report(step.line, where, f"Dial's option {letter} {DIAL_INTERACTIVE[letter]}")
            if letter in "UbB" and argument:
                target = argument.split("^")[0]
                self.helpers.append((target if "," in target else f"{target},s,1", step, place.context, place.pattern))
            if letter in "GF" and argument:
                self.helpers.append((argument.replace("^", ","), step, place.context, place.pattern))

    def _judge_queue(self, step: Step, place: Place, arguments: str) -> None:
        parts = [part.strip() for part in split_arguments(arguments)]
        where = f"{place.pattern}@{place.context}"
        if not re.fullmatch(r"[\w.-]+", parts[0]):
            self.report(step.line, where, f"Queue({parts[0]}): which queue this is cannot be known here")
        for index, text in enumerate(parts[5:7]):
            if not text:
                continue
            if index == 0:
                self.report(step.line, where, "Queue hands the call to an AGI program that may ask for keys")
            else:
                self.helpers.append((f"{text},s,1" if "," not in text else text, step, place.context, place.pattern))

    def _judge_set(self, step: Step, place: Place, arguments: str) -> None:
        name, _, value = arguments.partition("=")
        name = name.strip().lstrip("_")
        if name in {"TRANSFER_CONTEXT", "GOTO_ON_BLINDXFR"}:
            context = self.plan.contexts.get(value.strip())
            if context is None:
                self.report(
                    step.line, f"{place.pattern}@{place.context}", f"transfers lead to [{value}], which does not exist"
                )
                return
            for pattern in context.extensions:
                self.helpers.append((f"{value.strip()},{pattern},1", step, place.context, place.pattern))
        elif name.replace(" ", "").startswith("CHANNEL(hangup_handler_push"):
            self.helpers.append((value.strip(), step, place.context, place.pattern))

    def _next(self, place: Place, *, caller: bool) -> Iterator[Place]:
        steps = self.plan.contexts[place.context].extensions[place.pattern]
        if place.index >= len(steps):
            yield from self._fallen_off(place, caller=caller)
            return
        step = steps[place.index]
        yield from self._after(step, step.application, step.arguments, place, caller=caller)

    def _after(self, step: Step, name: str, arguments: str, place: Place, *, caller: bool) -> Iterator[Place]:
        lower = name.lower()
        if lower in ENDS:
            self._ended(place, name, caller=caller)
        elif lower in {"execif", "exec", "tryexec"}:
            if lower == "execif":
                yield place.onward()
            for inner, inner_arguments in self._inner_calls(lower, arguments):
                yield from self._after(step, inner, inner_arguments, place, caller=caller)
        elif lower == "return":
            if place.stack:
                yield place.returned()
            else:
                self._ended(place, "Return with no Gosub", caller=caller)
        elif lower in {"goto", "gotoif", "gotoiftime", "gosub", "gosubif", "macro", "macroif"}:
            yield from self._jump(lower, arguments, place)
        elif lower == "queue" or (lower == "dial" and rings(self.plan, arguments)):
            yield place.onward(human=True)
        else:
            yield place.onward()

    def _jump(self, lower: str, arguments: str, place: Place) -> Iterator[Place]:
        if lower in {"gotoif", "gotoiftime", "gosubif", "macroif"}:
            targets = list(split_condition(arguments))
            if "" in targets:
                yield place.onward()
        else:
            targets = [arguments.strip()]
        calls = lower.startswith(("gosub", "macro"))
        for target in filter(None, targets):
            if lower.startswith("macro"):
                target = f"macro-{target.split(',')[0]},s,1"  # noqa: PLW2901
            if calls and len(place.stack) >= _DEEPEST_GOSUB:
                self._at(place, "calls itself without end")
                continue
            found = self._resolve(target, place)
            if not found:
                self._at(place, f"leads to {target!r}, which does not exist or cannot be known here")
            for there in found:
                yield there.called_from(place, lower.startswith("macro")) if calls else there.carrying(place)

    def _fallen_off(self, place: Place, *, caller: bool) -> Iterator[Place]:
        if place.stack and place.stack[-1].is_macro:
            yield place.returned()
        else:
            self._ended(place, "the extension ends here, which hangs up", caller=caller)

    def _ended(self, place: Place, what: str, *, caller: bool) -> None:
        if caller and not place.human:
            self._at(place, f"{what}: the caller has not met a human")

    def _leaves(self, place: Place) -> bool:
        """Whether a call can end at `place` rather than go on."""
        steps = self.plan.contexts[place.context].extensions[place.pattern]
        if place.index >= len(steps):
            return True
        name = steps[place.index].application.lower()
        return name in ENDS or (name == "return" and not place.stack)

    def _at(self, place: Place, reason: str) -> None:
        steps = self.plan.contexts[place.context].extensions[place.pattern]
        step = steps[min(place.index, len(steps) - 1)]
        self.report(step.line, f"{place.pattern}@{place.context}", reason)

    def _resolve(self, target: str, place: Place) -> list[Place]:
        """Return where `[[context,]extension,]priority` leads; nothing when that is unknown."""
        if re.search(r"\([^()]*\)\s*\Z", target) and not target.strip().startswith("$"):
            target = target[: target.rindex("(")]
        target = _OWN_VARIABLES.sub(lambda found: place.number if found[1] == "EXTEN" else place.context, target)
        if "$" in target:
            return []
        parts = [part.strip() for part in target.split(",")]
        priority = parts[-1]
        context = "".join(parts[-3:-2]) or place.context
        if len(parts) == 1:
            found: tuple[str, str] | None = (place.context, place.pattern)
            number = place.number
        else:
            number = parts[-2]
            found = self.plan.find(context, number)
        if found is None:
            return []
        steps = self.plan.contexts[found[0]].extensions[found[1]]
        for index, step in enumerate(steps):
            if step.label == priority or str(step.priority) == priority:
                return [Place(found[0], found[1], index, number=number)]
        return []

    def _inner_calls(self, lower: str, arguments: str) -> list[tuple[str, str]]:
        texts = split_condition(arguments) if lower == "execif" else (arguments.strip(),)
        return [split_call(text) for text in texts if text]
