"""Calls as text, drawn from a set's file (a dev set's or held_out.toml): the same seed writes the same calls.

A file holds `[place]` names, `[say]` wordings of each turn, and `[[matter]]` entries. A matter says its truth
(`category`, `category_also` where another is as fair, `sub`, `urgent`, `complex` where clear; `place = false`: none)
and what is said: `text`, or `text@respondent`. A text with {place} tells the place at once, else the agent asks; {when}
tells when. Where a text has another word of time (三个月没有发工资), more than one happened_at is fair: not scored.
"""

import random
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from asr.audio import Speaker
from asr.training.sentences import DIGITS, MOBILE_STARTS, said_number
from tests.benchmarks.corpus.call import CallText, Line, Truth
from tests.benchmarks.corpus.places import Known, SaidPlace, draw_place, read_known

FOLDER = Path(__file__).parent
CONFIG = FOLDER.parents[2] / "config"
SEED = 20261123
SIZES = {
    "dev": 60,
    "dev_second": 200,
    "dev_third": 200,
    "dev_fourth": 200,
    "dev_fifth": 200,
    "dev_sixth": 200,
    "dev_seventh": 200,
    "dev_eighth": 200,
    "dev_ninth": 200,
    "dev_tenth": 200,
    "dev_eleventh": 200,
    "dev_twelfth": 200,
    "dev_thirteenth": 200,
    "dev_fourteenth": 200,
    "dev_fifteenth": 200,
    "dev_sixteenth": 200,
    "held_out": 200,
}

VOICES = {"f4": "女士", "Andrea": "女士", "m7": "先生", "Mike": "先生"}
"""espeak-ng variants that training refuses (asr.training.recipe.HELD_OUT), and how their speaker is addressed."""

HOURS = {"早上": (6, 11), "下午": (1, 6), "晚上": (7, 11)}
SURNAMES = "王王王李李李张张张刘刘陈陈杨杨赵黄周吴徐孙胡朱高林郭马罗梁宋谢唐冯袁邓"
HURT = re.compile("触电|溺水|受伤|晕|昏迷|被困|困人|中毒|砸到人")
TIME = re.compile(
    "昨天|今天|前天|[去今前]年|上周|上次|上个月|这个月|早上|晚上|半夜|刚才|刚刚|每天|[天月年]了|星期|一天|个月|半年|一年"
)
DANGEROUS = frozenset({"lighting", "water", "power", "gas", "road", "building-safety", "public-facilities"})
"""Matters of which an agent asks whether somebody was hurt."""


@dataclass(frozen=True, slots=True)
class Script:
    """One set's file."""

    name: str
    places: Mapping[str, Sequence[str]]
    say: Mapping[str, Sequence[str]]
    matters: tuple[tuple[Mapping[str, Any], str], ...]
    """Each text with its matter's truth."""


def load_script(name: str) -> Script:
    """Read `<name>.toml` of this folder."""
    shape = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    texts = tuple((matter, text) for matter in shape["matter"] for text in matter["say"])
    return Script(name, shape["place"], shape["say"], texts)


def write_calls(script: Script, count: int | None = None, seed: int = SEED) -> list[CallText]:
    """Write the set's calls; each text is used before one is used again."""
    known = read_known(CONFIG / "gazetteer")
    chance = random.Random(f"{script.name} {seed}")  # noqa: S311 - reproducible, no secret
    rounds: list[tuple[Mapping[str, Any], str]] = []
    wanted = SIZES[script.name] if count is None else count
    while len(rounds) < wanted:
        rounds += chance.sample(script.matters, len(script.matters))
    calls = []
    for number, (matter, text) in enumerate(rounds[:wanted]):
        own = random.Random(f"{seed} {number} {text}")  # noqa: S311
        calls.append(_Writer(script, known, f"{script.name}-{number:03}", own).write(matter, text))
    return calls


class _Writer:
    """Writes one call turn by turn."""

    def __init__(self, script: Script, known: Mapping[str, Known], name: str, chance: random.Random) -> None:
        self.script, self.known, self.name, self.chance = script, known, name, chance
        self.seed = chance.getrandbits(32)  # of the call's sound
        self.lines: list[Line] = []
        self.fields: dict[str, str | None] = {}
        agent, citizen = chance.sample(sorted(VOICES), 2)
        self.voices: dict[Speaker, str] = {"agent": agent, "citizen": citizen}

    def write(self, matter: Mapping[str, Any], text: str) -> CallText:
        """Write the turns; what is said decides the truth."""
        said, _, respondent = text.partition("@")
        place = self.place(matter, said)
        self.fields = {
            "category": matter["category"],
            "urgency": "urgent" if matter.get("urgent") else "normal",
            "complexity": "complex" if matter.get("complex") else "simple",
            "respondent": respondent or None,
            "place": place.text if place else None,
            "district": place.district if place else None,
            "street": place.street if place else None,
            **dict.fromkeys(("happened_at", "contact_name", "contact_phone")),
        }
        if "{when}" in said:
            moment, self.fields["happened_at"] = self.moment(self.pick("when"))
            said = said.replace("{when}", moment)
        self.agent("greeting")
        whole = self.complaint(said, place)
        if place and "{place}" not in said:
            self.agent("where")
            self.citizen("where", place=place.said)
        elif place and not whole:
            self.agent("which")
            self.add("citizen", place.rest)
        elif not place and matter.get("place", True):
            self.agent("where")
            self.citizen("nowhere")
        timeless = TIME.search(text) or not matter.get("place", True) or self.fields["happened_at"]
        blocks = [self.hurt] if timeless else [self.when, self.hurt]
        people = [self.title, self.phone]
        if self.chance.random() < 1 / 4:
            people.reverse()
        if self.chance.random() < 1 / 10:
            people = [self.title_and_phone]
        for block in [*people, *blocks] if self.chance.random() < 1 / 4 else [*blocks, *people]:
            block()
        self.agent("close")
        if self.chance.random() < 2 / 3:
            self.citizen("bye")
        return CallText(self.name, tuple(self.lines), self.truth(matter, text, place), self.voices, self.seed)

    def truth(self, matter: Mapping[str, Any], text: str, place: SaidPlace | None) -> Truth:
        """Sum up what was said, and which fields have more than one fair answer."""
        unscored = {
            *(["happened_at"] if TIME.search(text) else []),
            *([] if "@" in text else ["respondent"]),
            *([] if "complex" in matter else ["complexity"]),
        }
        return Truth(
            dict(self.fields),
            frozenset(unscored),
            _with_thing(text, place, self.script),
            tuple(matter.get("category_also", ())),
            matter.get("sub"),
        )

    def place(self, matter: Mapping[str, Any], said: str) -> SaidPlace | None:
        """Draw where it is; one call in eight that could do without says no place."""
        if not matter.get("place", True) or ("{place}" not in said and self.chance.random() < 1 / 8):
            return None
        return draw_place(self.script.places, self.known, self.chance)

    def complaint(self, said: str, place: SaidPlace | None) -> bool:
        """Say what is wrong; return whether the place was said to its end."""
        whole = not (place and place.rest.endswith(("单元", "栋")) and self.chance.random() < 1 / 2)
        text = said.replace("{place}", (place.said if whole else place.head) if place else "")
        greeting = self.pick("citizen_greeting")
        if self.chance.random() < 1 / 3:
            self.add("citizen", greeting)
            self.add("citizen", text)
        else:
            self.add("citizen", f"{greeting}，{text}")
        return whole

    def when(self) -> None:
        """Ask when it was, in half of the calls."""
        if self.chance.random() < 1 / 2:
            said, written = self.moment(self.pick("when"))
            self.fields["happened_at"] = written
            self.agent("when")
            self.citizen("when", when=said)

    def hurt(self) -> None:
        """Ask whether somebody was hurt, in half of the calls where they might and it was not said."""
        said = "".join(line.text for line in self.lines)
        if self.chance.random() < 1 / 2 and self.fields["category"] in DANGEROUS and not HURT.search(said):
            self.agent("hurt")
            self.citizen("unhurt")

    def title(self) -> None:
        """Ask the name; one in eight will not say it."""
        if self.chance.random() < 1 / 5:
            return
        self.agent("name")
        if self.chance.random() < 1 / 8:
            self.citizen("no_name")
            return
        self.named("name")

    def named(self, turn: str, **slots: str) -> None:
        """Say the name."""
        surname, title = self.chance.choice(SURNAMES), VOICES[self.voices["citizen"]]
        wording = self.pick(f"citizen_{turn}")
        self.fields["contact_name"] = surname + (title if "{title}" in wording else "")
        self.add("citizen", wording.format(surname=surname, title=title, **slots))

    def title_and_phone(self) -> None:
        """Ask the name, and hear the number with it."""
        number = self.number()
        self.fields["contact_phone"] = number
        self.agent("name")
        self.named("name_phone", phone=spoken_digits(number, self.chance.random() < 1 / 4))

    def phone(self) -> None:
        """Ask for the number: said whole, in two parts, corrected, read back rightly or wrongly, or refused."""
        way = self.chance.choices(
            ("unasked", "refused", "whole", "parts", "self_corrected", "read_back", "read_back_wrong"),
            (0.10, 0.10, 0.32, 0.12, 0.10, 0.14, 0.12),
        )[0]
        if way == "unasked":
            return
        self.agent("phone")
        if way == "refused":
            self.citizen("no_phone")
            return
        number = self.number()
        self.fields["contact_phone"] = number
        yao = self.chance.random() < 1 / 4
        if way == "parts":
            cut = self.chance.choice((3, 7)) if len(number) == 11 else len(number) // 2
            self.add("citizen", spoken_digits(number[:cut], yao))
            self.agent("more")
            self.add("citizen", spoken_digits(number[cut:], yao))
        elif way == "self_corrected":
            wrong = spoken_digits(_with_slip(number, self.chance), yao)
            self.citizen("self_correct", wrong=wrong, phone=spoken_digits(number, yao))
        else:
            self.citizen("phone", phone=spoken_digits(number, yao))
        if way == "read_back":
            self.agent("read_back", phone=spoken_digits(number, yao=False))
            self.citizen("yes")
        elif way == "read_back_wrong":
            self.agent("read_back", phone=spoken_digits(_with_slip(number, self.chance), yao=False))
            self.citizen("correct", phone=spoken_digits(number, yao))

    def number(self) -> str:
        """Draw a mobile number, or one in twelve times a landline with its area code."""
        rest = "".join(str(self.chance.randrange(10)) for _ in range(9))
        return (
            f"028{self.chance.choice('68')}{rest[:7]}"
            if self.chance.random() < 1 / 12
            else (self.chance.choice(MOBILE_STARTS) + rest)
        )

    def moment(self, wording: str) -> tuple[str, str]:
        """Fill {clock} and {date}: as said, and as written."""
        hour = self.chance.randint(*next((h for part, h in HOURS.items() if part in wording), (6, 11)))
        half = self.chance.choice(("", "半"))
        month, day = self.chance.randint(1, 12), self.chance.randint(1, 28)
        spoken_hour = "两" if hour == 2 else said_number(hour)
        said = {"clock": f"{spoken_hour}点{half}", "date": f"{said_number(month)}月{said_number(day)}日"}
        written = {"clock": f"{hour}点{half}", "date": f"{month}月{day}日"}
        return wording.format(**said), wording.format(**written)

    def pick(self, turn: str) -> str:
        """Choose a wording of a turn."""
        return self.chance.choice(list(self.script.say[turn]))

    def agent(self, turn: str, **slots: str) -> None:
        """Let the agent speak."""
        self.add("agent", self.pick(f"agent_{turn}").format(**slots))

    def citizen(self, turn: str, **slots: str) -> None:
        """Let the citizen speak."""
        self.add("citizen", self.pick(f"citizen_{turn}").format(**slots))

    def add(self, speaker: Speaker, text: str) -> None:
        """Add a turn."""
        self.lines.append(Line(speaker, text))


def spoken_digits(digits: str, yao: bool) -> str:
    """Return a number as it is read out, in groups: 138 0012 3456, or 028 8123 4567."""
    spoken = "".join(DIGITS[int(d)] for d in digits)
    spoken = spoken.replace("一", "幺") if yao else spoken
    cuts = [0, 3, 7, 11] if len(digits) == 11 else [0, len(digits)]
    return "，".join(spoken[a:b] for a, b in pairwise(cuts))


def _with_slip(number: str, chance: random.Random) -> str:
    """Change one digit of the second half."""
    at = chance.randrange(len(number) // 2, len(number))
    return number[:at] + chance.choice([d for d in "0123456789" if d != number[at]]) + number[at + 1 :]


def _with_thing(said: str, place: SaidPlace | None, script: Script) -> tuple[str, ...]:
    """A place with the thing that the text says stands there is as right: {place}的超市."""
    things = [*script.places["landmark"], *script.places.get("thing", ())]
    after = said.partition("{place}")[2].removeprefix("的")
    return tuple(place.text + thing for thing in things if place and after.startswith(thing))
