"""Sentences drawn from the recipe's shapes: tuples of words, reproducible from the random generator's seed."""

import random
import re
from collections.abc import Callable, Iterator

from asr.training.recipe import Recipe

Sentence = tuple[str, ...]

TOKEN = re.compile(r"\{(\w+)\}")
DIGITS = "零一二三四五六七八九"
UNITS = (("千", 1000), ("百", 100), ("十", 10))
TEN, TWENTY, HUNDRED = 10, 20, 100
CRAMPED = "2259"
"""Digits drawn more often where a number is of any length: a short vowel is lost beside its like (五二, 九二)."""

MOBILE_STARTS = ("13", "14", "15", "16", "17", "18", "19")
YAO_SHARE = 0.2
"""Of spoken numbers, how many say 幺 for 一."""
SEVEN_IN_TEN, HALF, THIRD, FIFTH = 0.7, 0.5, 0.3, 0.2


def draw(recipe: Recipe, chance: random.Random, shape: str | None = None) -> Sentence:
    """Draw one sentence, of the given shape or of one of the recipe's templates; never one that is held out."""
    while True:
        sentence = tuple(_expand(shape or chance.choice(recipe.templates), recipe, chance))
        if "".join(sentence) not in recipe.held_out.texts:
            return sentence


def sentences(recipe: Recipe, seed: int, count: int) -> list[Sentence]:
    """Draw `count` sentences; the same seed gives the same ones."""
    chance = random.Random(seed)  # noqa: S311 (reproducible text, no secret)
    return [draw(recipe, chance) for _ in range(count)]


def _expand(line: str, recipe: Recipe, chance: random.Random) -> Iterator[str]:
    for token in line.split():
        slot = TOKEN.fullmatch(token)
        if not slot:
            yield token
        elif slot[1] in NUMBERS:
            yield from NUMBERS[slot[1]](chance)
        else:
            yield from _expand(chance.choice(recipe.slots[slot[1]]), recipe, chance)


def said_number(number: int) -> str:
    """Return a whole number from 0 to 9999 as it is said: 15 → 十五, 115 → 一百一十五, 208 → 二百零八."""
    if number < len(DIGITS):
        return DIGITS[number]
    name, unit = next((name, unit) for name, unit in UNITS if number >= unit)
    head, rest = divmod(number, unit)
    lead = "" if number < TWENTY and name == "十" else DIGITS[head]
    gap = "零" if rest and rest * 10 < unit else ""
    inner = "一" if TEN <= rest < TWENTY else ""
    return lead + name + (gap + inner + said_number(rest) if rest else "")


def said_digits(digits: str, chance: random.Random) -> list[str]:
    """Return digits read one by one, all 一 as 幺 now and then."""
    spoken = [DIGITS[int(digit)] for digit in digits]
    return ["幺" if word == "一" else word for word in spoken] if chance.random() < YAO_SHARE else spoken


def _random_digits(count: int, chance: random.Random) -> str:
    return "".join(str(chance.randrange(10)) for _ in range(count))


def _number(low: int, high: int) -> Callable[[random.Random], list[str]]:
    return lambda chance: list(said_number(chance.randint(low, high)))


def _house_number(chance: random.Random) -> list[str]:
    number = chance.choice((chance.randint(1, 20), chance.randint(1, 99), chance.randint(1, 999)))
    return (
        said_digits(str(number), chance) if number > HUNDRED and chance.random() < HALF else list(said_number(number))
    )


def _mobile(chance: random.Random) -> list[str]:
    return said_digits(chance.choice(MOBILE_STARTS) + _random_digits(9, chance), chance)


def _landline(chance: random.Random) -> list[str]:
    area = chance.choice(("", "028"))
    return said_digits(area + chance.choice("68") + _random_digits(7, chance), chance)


def _few_digits(chance: random.Random) -> list[str]:
    return said_digits("".join(chance.choices("0123456789" + CRAMPED, k=chance.randint(3, 14))), chance)


def _room(chance: random.Random) -> list[str]:
    number = chance.randint(1, 30) * 100 + chance.randint(1, 12)
    end = chance.choice(([], ["室"], ["号"]))
    return [*(said_digits(str(number), chance) if chance.random() < SEVEN_IN_TEN else said_number(number)), *end]


def _clock(chance: random.Random) -> list[str]:
    hour = said_number(chance.randint(1, 12))
    minutes = chance.choice(("", "", "半", "十分", "二十分", "三十分", "四十分", "多", "左右"))
    tail = [minutes] if minutes == "左右" else list(minutes)
    return [*("两" if hour == "二" else hour), "点", *tail]


def _date(chance: random.Random) -> list[str]:
    month, day = said_number(chance.randint(1, 12)), said_number(chance.randint(1, 31))
    year = ["二", "零", "二", DIGITS[chance.randint(3, 9)], "年"] if chance.random() < THIRD else []
    return [*year, *month, "月", *day, chance.choice("日号")]


def _amount(chance: random.Random) -> list[str]:
    return ["两"] if chance.random() < FIFTH else list(said_number(chance.choice((chance.randint(1, 10), 15, 20, 30))))


NUMBERS: dict[str, Callable[[random.Random], list[str]]] = {
    "house_number": _house_number,
    "building": _number(1, 30),
    "unit_number": _number(1, 6),
    "floor": _number(1, 33),
    "room": _room,
    "mobile": _mobile,
    "landline": _landline,
    "few_digits": _few_digits,
    "clock": _clock,
    "date": _date,
    "amount": _amount,
}
