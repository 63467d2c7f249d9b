"""Where it is: names of the gazetteer with what is said around them (15号门口, 变压器旁边, A和B路口)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from asr.draft.fields import NOT_SAID, Field, once
from asr.draft.gazetteer import Gazetteer, PlaceHit
from asr.draft.misheard import MISHEARD_STRENGTH, building_by_sound, number_behind_a_name
from asr.draft.names import CROSSING, HOUSE, NO_NAME, RELATION, ends_a_name, unknown_names
from asr.draft.speech import HEARD_WELL, Said, asked

NAMED_STRENGTH, UNKNOWN_NAME_STRENGTH, NAMELESS_STRENGTH = 0.95, 0.5, 0.4

# A room of one to three floors' digits; 一 behind it may begin the next word: 302一到放学.
_NUMBER = re.compile(
    r"(?<![月\d])\d+(?:号楼(?![道上下顶了])|号院|号(?![码线]|早上|晚上|上午|下午|凌晨|中午)|栋|幢|单元|楼(?![道上下顶])|室)"
    r"|(?<=[栋幢元楼])(?:[1-3]\d(?:0\d|1[0-2])(?!\d)|\d{3}(?=1[^\d，。？])|\d{3,4}(?!\d))|(?<!\d)\d{3,4}(?=$|[，。])"
)
_GENERIC = re.compile(r"小区|大院|院子|大厦|写字楼|社区(?!医院|卫生|食堂|服务|干部|工作)|楼栋")
_FILLER = re.compile(r"的|和|与|跟|靠近|，|、")
_SHORT = 2  # signs of a building alone: 六栋
_FLOOR = re.compile(r"\d+楼")
_BUILDING = re.compile(r"[嗯哦是]*\d+[栋幢](?:\d+单元)?(?:\d{3,4})?[，。]?")
# What stands between a name and 旁边 is a thing to find the place by, listed in the gazetteer or not.
_THING = re.compile(rf"[^\W\d_{NO_NAME}]{{1,4}}[店馆厂场站院校园所铺行库桥塔城棚摊厅庙寺亭](?={RELATION.pattern})")
# 三环路 is said with its side and its section: 南三环路五段.
_SECTION = re.compile(r"[东南西北中]?[一二三四五六七八九\d]?段")
_RING_ROAD = re.compile(r".环路")
_AREAS = ("district", "street")
_WEIGHTS = {"road": 2.0, "community": 2.0, "public_place": 2.0, "unknown": 1.5, "street": 1.0, "district": 1.0}


@dataclass(frozen=True, slots=True)
class _Piece:
    kind: str  # a kind of place, or: number, generic, relation, landmark, filler
    start: int
    end: int
    text: str
    strength: float = 1.0
    name: str = ""  # by which the gazetteer knows it


@dataclass(frozen=True, slots=True)
class _Chain:
    """Pieces that follow each other in one utterance."""

    said: Said
    position: int
    pieces: tuple[_Piece, ...]

    @property
    def names(self) -> list[_Piece]:
        return [piece for piece in self.pieces if piece.kind in _WEIGHTS]

    @property
    def only_area(self) -> bool:
        return bool(self.names) and all(piece.kind in ("street", "district") for piece in self.pieces)

    def has(self, kind: str) -> bool:
        return any(piece.kind == kind for piece in self.pieces)

    def weight(self) -> float:
        named = sum(_WEIGHTS[piece.kind] * piece.strength for piece in self.names)
        return named + 1.0 * self.has("number") + 0.5 * self.has("relation")

    def text(self, pieces: Sequence[_Piece] | None = None) -> str:
        return "".join(piece.text for piece in (self.pieces if pieces is None else pieces) if piece.text not in "，、")


@dataclass(frozen=True, slots=True)
class Where:
    """The place as three fields: the text that a unit can drive to, its district, its street (街道)."""

    place: Field = NOT_SAID
    district: Field = NOT_SAID
    street: Field = NOT_SAID


def where(said: Sequence[Said], gazetteer: Gazetteer) -> Where:
    """Find the place that the citizen tells of, as said, with names as the gazetteer writes them.

    The chain of words with the most in it is the place; a house number, street or spot told in another utterance is
    added. Strengths: 0.95 with a gazetteer name (0.85 of it by sound, 0.6 with a syllable wrong), 0.5 with a name that
    only looks like one (在…路), 0.4 without any name (学校门口). District and street are those that were said, else
    those that the gazetteer is certain of for the place.
    """
    chains = [
        chain
        for position, each in enumerate(said)
        if each.speaker == "citizen"
        for chain in _chains(each, position, gazetteer, asked_for="place" in asked(said, position))
    ]
    named = [chain for chain in chains if chain.names]
    details = [chain for chain in chains if not chain.names and _is_detail(chain, said)]
    if not named:
        return Where(_nameless(details))
    main = max(named, key=lambda chain: (chain.weight(), -chain.position))
    parts, value = [main], main.text()
    if not main.has("number") and (detail := next((each for each in details if each.has("number")), None)):
        at = next((i for i, piece in enumerate(main.pieces) if piece.kind not in _WEIGHTS), len(main.pieces))
        spot = main.text(main.pieces[at:])
        value = main.text(main.pieces[:at]) + detail.text() + (f"，{spot}" if spot else "")
        parts.append(detail)
    elif (
        not main.has("number")
        and not main.has("relation")
        and (spot_chain := next((each for each in details if each.has("relation")), None))
    ):
        value += spot_chain.text()
        parts.append(spot_chain)
    area = next((each for each in named if each.only_area and each.text() not in value), None)
    if area and not any(piece.kind == area.names[0].kind for piece in main.pieces):
        value = area.text() + value
        parts.append(area)
    known = min(piece.strength for piece in main.pieces)
    strength = UNKNOWN_NAME_STRENGTH if main.has("unknown") else NAMED_STRENGTH * known
    told = _field(value, strength, parts)
    return Where(told, _area("district", parts, gazetteer), _area("street", parts, gazetteer))


def _area(kind: Literal["district", "street"], parts: Sequence[_Chain], gazetteer: Gazetteer) -> Field:
    pieces = [(chain, piece) for chain in parts for piece in chain.names]
    found = [(chain, piece, piece.text) for chain, piece in pieces if piece.kind == kind]
    found += [
        (chain, piece, area)
        for chain, piece in pieces
        if (known := gazetteer.place(piece.name)) and (area := getattr(known, kind))
    ]
    if not found:
        return NOT_SAID
    chain, piece, name = found[0]
    heard = chain.said.confidence(piece.start, piece.end)
    evidence = chain.said.evidence(piece.start, piece.end)
    return Field(name, NAMED_STRENGTH * piece.strength * heard, (evidence,))


def _nameless(details: Sequence[_Chain]) -> Field:
    best = max(details, key=lambda chain: (chain.weight(), -chain.position), default=None)
    return Field() if best is None else _field(best.text(), NAMELESS_STRENGTH, [best])


def _is_detail(chain: _Chain, said: Sequence[Said]) -> bool:
    spot = chain.has("landmark") and chain.has("relation")
    questions = asked(said, chain.position)
    floors = all(_FLOOR.fullmatch(piece.text) for piece in chain.pieces if piece.kind == "number")
    answer = _BUILDING.fullmatch(chain.said.text) is not None  # whatever was heard of the question
    told = "phone" not in questions and ("place" in questions or (len(chain.pieces) > 1 and not floors))
    return spot or (chain.has("number") and (told or answer))


def _chains(each: Said, position: int, gazetteer: Gazetteer, *, asked_for: bool) -> Iterator[_Chain]:
    pieces: list[_Piece] = []
    at = 0
    for piece in [
        *_pieces(each, gazetteer, asked_for=asked_for),
        _Piece("end", len(each.text) + 9, len(each.text) + 9, ""),
    ]:
        if piece.start != at and pieces:
            if trimmed := _trimmed(pieces):
                yield _Chain(each, position, trimmed)
            pieces = []
        pieces.append(piece)
        at = piece.end


def _trimmed(pieces: Sequence[_Piece]) -> tuple[_Piece, ...]:
    """Drop fillers at both ends, and a last thing (烧烤店) that nothing places: it is the matter, not the spot."""
    first, last = 0, len(pieces)
    while first < last and pieces[first].kind == "filler":
        first += 1
    while first < last and pieces[last - 1].kind in ("filler", "landmark"):
        last -= 1
    kept = _crossed(pieces[first:last])
    return kept if any(piece.kind not in ("filler", "relation", "generic") for piece in kept) else ()


def _crossed(pieces: Sequence[_Piece]) -> tuple[_Piece, ...]:
    """Give the 和 back that a line lost between two roads: 中山路文化路路口."""
    crossing = any(CROSSING.fullmatch(piece.text) for piece in pieces)
    kept: list[_Piece] = []
    for piece in pieces:
        if crossing and kept and {kept[-1].kind, piece.kind} <= {"road", "unknown"}:
            kept.append(_Piece("filler", piece.start, piece.start, "和"))
        kept.append(piece)
    return tuple(kept)


def _pieces(each: Said, gazetteer: Gazetteer, *, asked_for: bool) -> Iterator[_Piece]:
    text = each.text
    pieces = [_named(hit, text) for hit in gazetteer.find(text) if not _another(hit, each)]
    areas = [(piece.start, piece.end) for piece in pieces if piece.kind in _AREAS]
    named = [(piece.start, piece.end) for piece in pieces if piece.kind not in _AREAS]
    unknown = unknown_names(each, areas, named, asked_for=asked_for)
    known = {piece.start: piece for piece in pieces}
    known |= {start: _Piece("unknown", start, end, text[start:end]) for start, end in unknown}
    landmark = re.compile("|".join(map(re.escape, gazetteer.landmarks)) or r"(?!)")
    patterns = (
        ("number", _NUMBER),
        ("generic", _GENERIC),
        ("relation", RELATION),
        ("landmark", landmark),
        ("filler", _FILLER),
    )
    ends = {piece.end for piece in known.values()}
    roads = {start: piece for start, piece in known.items() if piece.kind in ("road", "unknown")}
    road_ends = {piece.end for piece in roads.values()}
    at, relation_ends = 0, -1
    while at < len(text):
        if at in known:
            yield known[at]
            at = known[at].end
            continue
        if at in ends and (misheard := number_behind_a_name(text, at, road=at in road_ends)):
            yield _Piece("number", at, *misheard, MISHEARD_STRENGTH)
            at = misheard[0]
            continue
        by_sound = (at in ends and at not in road_ends) or (asked_for and len(text.rstrip("。？")) == _SHORT)
        if by_sound and each.confidence(at, at + 2) < HEARD_WELL and (building := building_by_sound(text[at : at + 2])):
            yield _Piece("number", at, at + 2, building, MISHEARD_STRENGTH)
            at += 2
            continue
        if at in road_ends and at + 1 in roads and CROSSING.match(text, roads[at + 1].end):  # 天府大道回红星路路口
            yield _Piece("filler", at, at + 1, "和", MISHEARD_STRENGTH)
            at += 1
            continue
        behind = at in ends or (at - 1 in ends and text[at - 1] == "的")
        if at in ends and (house := HOUSE.match(text, at)):
            found: tuple[str, re.Match[str]] | None = ("number", house)
        elif not (found := _first_match(patterns, text, at)) and behind and (thing := _THING.match(text, at)):
            found = ("landmark", thing)
        if found is None:
            at += 1
            continue
        kind, match = found
        if kind == "relation" and _of_something_else(text, match, relation_ends):
            at = match.end()
            continue
        relation_ends = match.end() if kind == "relation" else relation_ends
        yield _Piece(kind, at, match.end(), match.group())
        at = match.end()


def _of_something_else(text: str, relation: re.Match[str], relation_ends: int) -> bool:
    """Whether it begins what is said next: …5栋，附近哪有医院; …2号楼上着火了; …5栋对面旁边还有人抽烟."""
    before, goes_on = text[: relation.start()], text[relation.end() :][:1] not in "，。？"
    if before.endswith("，"):
        return goes_on
    if relation.group() in ("楼上", "楼下") and (before.endswith("的") or (relation.group() == "楼上" and goes_on)):
        return True
    return relation.start() == relation_ends and relation.group() in ("旁边", "附近", "里面", "楼上", "楼下")


def _first_match(
    patterns: Sequence[tuple[str, re.Pattern[str]]], text: str, at: int
) -> tuple[str, re.Match[str]] | None:
    return next(((kind, match) for kind, pattern in patterns if (match := pattern.match(text, at))), None)


def _another(hit: PlaceHit, each: Said) -> bool:
    """Whether a name of nearly the same sound is another one, since it was heard well: 梓州大道 is not 益州大道.

    A syllable may be missing (紫荆小5栋), unless the rest is the end of a longer word or name (春|天花园, 青羊小区).
    """
    if not hit.edits or each.confidence(hit.start, hit.end) < HEARD_WELL:
        return False
    whole = hit.end - hit.start >= len(hit.place.name)
    return whole or ends_a_name(each.text[: hit.start])


def _named(hit: PlaceHit, text: str) -> _Piece:
    start, end, said = hit.start, hit.end, hit.place.name
    if hit.place.kind == "road" and (section := _SECTION.match(text, end)):
        end, said = section.end(), said + section.group()
    if _RING_ROAD.fullmatch(hit.place.name) and start and text[start - 1] in "东南西北":
        start, said = start - 1, text[start - 1] + said
    return _Piece(hit.place.kind, start, end, said, hit.strength, hit.place.name)


def _field(value: str, strength: float, chains: Sequence[_Chain]) -> Field:
    spans = [(chain.said, chain.pieces[0].start, chain.pieces[-1].end) for chain in chains]
    heard = fmean(each.confidence(start, end) for each, start, end in spans)
    return Field(value, strength * heard, once([each.evidence(start, end) for each, start, end in spans]))
