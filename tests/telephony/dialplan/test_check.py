from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.asterisk.configure import render_dialplan
from telephony.asterisk.desk import OtherSite
from telephony.dialplan import Finding, check, check_queues
from telephony.dialplan.applications import INTERACTIVE
from telephony.dialplan.parser import matches, parse
from tests.telephony.conftest import DESKS, ROOT, SEATS

SITES = (OtherSite("east", "东区中心", "east site", "192.0.2.20:5060"),)
SHIPPED = render_dialplan(ROOT / "config" / "asterisk", SEATS, desks=DESKS, sites=SITES)
NUMBERS = ("12345", *DESKS[0].numbers)
LINES = SHIPPED.split("\n")
# From the first line of a context on; before it, a line stands outside every context and is named for that.
# What agents dial outward ([outward] and below) is no way of a citizen's call, and not looked at.
STEPS = [
    number
    for number, line in enumerate(LINES[: LINES.index("[outward]")])
    if line.lstrip().startswith(("exten =>", "same =>"))
]


def found(text: str) -> Iterator[Finding]:
    """Give what breaks the proof from any number that citizens dial."""
    return (finding for number in NUMBERS for finding in check(text, number=number))


def test_the_shipped_dialplan_is_proven() -> None:
    assert list(found(SHIPPED)) == []


def test_a_menu_in_a_desk_is_found_also_when_only_its_own_number_leads_there() -> None:
    desk = next(number for number, line in enumerate(LINES) if "Queue(enterprise" in line)
    for application in ("Background(menu)", "Read(X)", "VoiceMail(1@x)"):
        text = "\n".join([*LINES[:desk], f" same => n,{application}", *LINES[desk:]])
        assert any(finding.line == desk + 1 for finding in check(text)), application
    own = SHIPPED.replace("exten => 12345802,1,", "exten => 12345802,1,WaitExten(5)\n same => n,", 1)
    assert check(own) == []
    assert any("keys" in finding.reason for finding in found(own))


def test_a_desk_whose_caller_is_left_alone_after_it_is_found() -> None:
    lone = SHIPPED.replace("Queue(enterprise,r,,,2)", "Hangup()")
    assert any("not met a human" in finding.reason for finding in found(lone))


def test_a_caller_whom_nobody_elsewhere_answers_and_who_is_not_brought_home_is_found() -> None:
    at_the_site = SHIPPED.replace("same => n,Goto(home)", "same => n,Read(X)", 2)
    assert any("keys" in finding.reason for finding in found(at_the_site))
    start = SHIPPED.index("n(to-east)")
    endless = SHIPPED[:start] + SHIPPED[start:].replace("Dial(PJSIP/east", "NoOp(PJSIP/east", 1).replace(
        "Goto(home)", "Goto(to-east)", 1
    )
    assert any("goes round" in finding.reason for finding in found(endless))


def test_a_citizen_on_hold_is_never_left_without_an_end() -> None:
    endless = SHIPPED.replace("BridgeWait(held,participant,S(180))", "BridgeWait(held,participant)")
    assert endless != SHIPPED
    assert any("without end" in finding.reason for finding in found(endless))


def test_the_shipped_queue_has_no_keys() -> None:
    text = (ROOT / "config" / "asterisk" / "queues.conf.j2").read_text()
    assert "member =>" in text
    assert check_queues(text) == []
    (finding,) = check_queues(text + "\ncontext = menu ; press 1\n")
    assert finding.line == len(text.split("\n")) + 1


@settings(max_examples=300, deadline=None)
@given(after=st.sampled_from(STEPS), name=st.sampled_from(sorted(INTERACTIVE)), upper=st.booleans())
def test_any_menu_at_any_line_of_the_shipped_dialplan_is_found_and_named(after: int, name: str, upper: bool) -> None:
    application = name.upper() if upper else name
    text = "\n".join([*LINES[: after + 1], f" same => n,{application}(x,1)", *LINES[after + 1 :]])
    assert any(finding.line == after + 2 for finding in found(text))


@settings(max_examples=100, deadline=None)
@given(after=st.sampled_from(STEPS), application=st.sampled_from(["Read(X)", "Background(menu)", "WaitExten(5)"]))
def test_a_menu_hidden_in_another_application_is_found(after: int, application: str) -> None:
    for line in (f"ExecIf(1?{application})", f"TryExec({application})", f"ExecIf($[1 = 1]?NoOp():{application})"):
        text = "\n".join([*LINES[: after + 1], f" same => n,{line}", *LINES[after + 1 :]])
        assert any(finding.line == after + 2 for finding in found(text)), line


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="[]();=>,.n_X123?:${}&\n exten same include Goto Queue Dial", max_size=300))
def test_nothing_that_can_be_written_makes_the_proof_fall_over(text: str) -> None:
    assert check(text)
    assert check("[hotline]\n" + text) is not None


def plan(*lines: str) -> str:
    return "[hotline]\nexten => 12345,1,NoOp()\n" + "\n".join(lines) + "\n"


GOOD = {
    "straight into the queue": plan(" same => n,Queue(hotline)"),
    "queue, then hang up": plan(" same => n,Answer()", " same => n,Queue(hotline,r,,,60)", " same => n,Hangup()"),
    "dial": plan(" same => n,Dial(PJSIP/8001&PJSIP/8002,20)", " same => n,Hangup()"),
    "both branches ring": plan(
        ' same => n,GotoIf($["${X}" = "1"]?a:b)',
        " same => n(a),Dial(PJSIP/8001)",
        " same => n,Hangup()",
        " same => n(b),Queue(hotline)",
    ),
    "a gosub that rings": plan(
        " same => n,Gosub(ring,s,1)",
        " same => n,Hangup()",
        "[ring]",
        "exten => s,1,Queue(hotline)",
        " same => n,Return()",
    ),
    "an announcement": plan(" same => n,Playback(recorded-call)", " same => n,Queue(hotline)"),
    "waiting again, with an end": plan(
        " same => n(q),Queue(hotline,,,,60)", " same => n,GotoIf($[${N} < 3]?q)", " same => n,Hangup()"
    ),
    "a variable of telephones": plan(
        " same => n,Set(WHO=PJSIP/8001)", " same => n,Dial(${WHO},20)", " same => n,Hangup()"
    ),
    "a comment with a menu": plan(
        " ; same => n,Background(menu)", ";-- same => n,Read(X)", "--;", " same => n,Queue(hotline)"
    ),
    "a menu that no call comes to": plan(" same => n,Queue(hotline)", "[staff]", "exten => 1,1,VoiceMailMain()"),
    "a pattern": "[hotline]\nexten => _1234X,1,Queue(hotline)\n",
    "an included context": "[hotline]\ninclude => in\n[in]\nexten => 12345,1,Queue(hotline)\n",
    "a macro": plan(" same => n,Macro(ring)", " same => n,Hangup()", "[macro-ring]", "exten => s,1,Queue(hotline)"),
    "own extension by variable": plan(" same => n,Goto(in,${EXTEN},1)", "[in]", "exten => 12345,1,Queue(hotline)"),
}


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD.keys())
def test_a_good_dialplan_is_proven(text: str) -> None:
    assert [str(finding) for finding in check(text)] == []


# name: (dialplan, line that must be named, a word of the reason)
BAD = {
    "hangup at once": (plan(" same => n,Hangup()"), 3, "not met a human"),
    "nothing follows": (plan(" same => n,Answer()"), 3, "not met a human"),
    "no such number": ("[hotline]\nexten => 110,1,Queue(x)\n", 1, "not an extension"),
    "no such context": ("[other]\nexten => 12345,1,Queue(x)\n", 1, "not an extension"),
    "a menu": (plan(" same => n,Background(menu)", " same => n,WaitExten(5)", " same => n,Queue(x)"), 3, "keys"),
    "a menu after the queue": (plan(" same => n,Queue(x)", " same => n,Read(X,survey)"), 4, "keys"),
    "one branch hangs up": (
        plan(" same => n,GotoIf($[1]?q)", " same => n,Hangup()", " same => n(q),Queue(x)"),
        4,
        "human",
    ),
    "a branch by time to a machine": (
        plan(
            " same => n,GotoIfTime(22:00-6:00,*,*,*?night,s,1)",
            " same => n,Queue(x)",
            "[night]",
            "exten => s,1,VoiceMail(1@x)",
        ),
        6,
        "machine",
    ),
    "an unknown label": (plan(" same => n,Goto(nowhere)", " same => n,Queue(x)"), 3, "does not exist"),
    "an unknown context": (plan(" same => n,Goto(nowhere,s,1)"), 3, "does not exist"),
    "a target nobody knows": (plan(" same => n,Goto(${WHERE},s,1)"), 3, "cannot be known"),
    "a loop with no way out": (plan(" same => n(l),Queue(x)", " same => n,Goto(l)"), 3, "no way out"),
    "a loop before a human": (
        plan(" same => n(l),Wait(1)", " same => n,GotoIf($[1]?l)", " same => n,Queue(x)"),
        3,
        "round",
    ),
    "a gosub that calls itself": (plan(" same => n,Gosub(12345,1)", " same => n,Queue(x)"), 3, "itself"),
    "a menu in a gosub": (
        plan(" same => n,Gosub(m,s,1)", " same => n,Queue(x)", "[m]", "exten => s,1,Read(X)", " same => n,Return()"),
        6,
        "keys",
    ),
    "a menu on the agent's side": (
        plan(" same => n,Dial(PJSIP/1,20,U(confirm))", "[confirm]", "exten => s,1,Read(X)", " same => n,Return()"),
        5,
        "keys",
    ),
    "a menu in the queue's gosub": (plan(" same => n,Queue(x,,,,60,,m)", "[m]", "exten => s,1,Read(X)"), 5, "keys"),
    "a menu behind a transfer": (
        plan(" same => n,Set(__TRANSFER_CONTEXT=t)", " same => n,Queue(x)", "[t]", "exten => 8,1,Background(m)"),
        6,
        "keys",
    ),
    "a menu in an included context": (
        "[hotline]\ninclude => in\n[in]\nexten => 12345,1,Read(X)\n same => n,Queue(x)\n",
        4,
        "keys",
    ),
    "a program": (plan(" same => n,AGI(route.py)", " same => n,Queue(x)"), 3, "program"),
    "a queue with a program": (plan(" same => n,Queue(x,,,,60,route.agi)"), 3, "program"),
    "a queue nobody knows": (plan(" same => n,Queue(${Q})"), 3, "cannot be known"),
    "a key while it rings": (plan(" same => n,Dial(PJSIP/8001,20,rd)", " same => n,Hangup()"), 3, "key"),
    "a telephone nobody knows": (plan(" same => n,Dial(${WHO})", " same => n,Hangup()"), 3, "telephone"),
    "a dialplan instead of a telephone": (plan(" same => n,Dial(Local/1@m)", " same => n,Queue(x)"), 3, "telephone"),
    "an application nobody knows": (plan(" same => n,Frobnicate()", " same => n,Queue(x)"), 3, "not known"),
    "one key leads away": (plan(" same => n,Queue(x)", "exten => 1,1,Hangup()"), 4, "one key"),
    "a file brought in": (plan(" same => n,Queue(x)", "#include more.conf"), 4, "cannot see"),
    "a switch": (plan(" same => n,Queue(x)", "switch => Realtime/"), 4, "elsewhere"),
    "dead code with a menu": (
        plan(" same => n,Queue(x)", " same => n,Hangup()", " same => n,Background(m)"),
        5,
        "keys",
    ),
    "a hangup extension with a menu": (plan(" same => n,Queue(x)", "exten => h,1,Read(X)"), 4, "keys"),
    "a macro with a menu": (
        plan(" same => n,Macro(m)", " same => n,Queue(x)", "[macro-m]", "exten => s,1,ReadExten(X)"),
        6,
        "keys",
    ),
    "a return to nowhere": (plan(" same => n,Return()", " same => n,Queue(x)"), 3, "no Gosub"),
    "same before exten": ("[hotline]\n same => n,Read(X)\nexten => 12345,1,Queue(x)\n", 2, "before any exten"),
    "a priority that cannot be read": (plan(" same => next,Read(X)", " same => n,Queue(x)"), 3, "cannot be read"),
    "an included context that is missing": (
        "[hotline]\ninclude => gone\nexten => 12345,1,Queue(x)\n",
        2,
        "does not exist",
    ),
    "nothing at all": ("", 1, "not an extension"),
}


@pytest.mark.parametrize(("text", "line", "word"), BAD.values(), ids=BAD.keys())
def test_a_bad_dialplan_is_named_with_its_line(text: str, line: int, word: str) -> None:
    findings = check(text, "my.conf")
    assert any(finding.line == line and word in finding.reason for finding in findings), list(map(str, findings))
    assert all(str(finding).startswith(f"my.conf:{finding.line}") for finding in findings)


@pytest.mark.parametrize(
    ("pattern", "extension", "takes"),
    [
        ("_12345", "12345", True), ("_1XXXX", "12345", True), ("_NXXXX", "12345", False), ("_[1-3]2345", "12345", True),
        ("_123.", "12345", True), ("_12345.", "12345", False), ("_12345!", "12345", True), ("_12-345", "12345", True),
        ("_Z!", "0123", False),
    ],
)  # fmt: skip
def test_patterns_match_as_asterisk_matches_them(pattern: str, extension: str, takes: bool) -> None:
    assert matches(pattern, extension) is takes


def test_the_most_specific_pattern_wins() -> None:
    found = parse("[a]\nexten => _X.,1,NoOp()\nexten => _1234X,1,NoOp()\nexten => _12XXX,1,NoOp()\n")
    assert found.find("a", "12345") == ("a", "_1234X")


def test_the_file_on_disk_is_checked_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "extensions.conf"
    path.write_text(SHIPPED.replace("Queue(hotline", "Read(X) ; Queue(hotline", 1))
    assert any("keys" in finding.reason for finding in check(path.read_text(), str(path)))
