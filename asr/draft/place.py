"""Where it is: names of the gazetteer with what is said around them (15号门口, 变压器旁边, A和B路口)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from asr.draft.fields import Field, once
from asr.draft.gazetteer import Gazetteer, PlaceHit
from asr.draft.speech import Said, asked_before

NAMED_STRENGTH, UNKNOWN_NAME_STRENGTH, NAMELESS_STRENGTH = 0.95, 0.5, 0.4

_QUESTION = re.compile(r"哪里|哪儿|位置|地址|地点|门牌|几号|多少号|具体|在哪")
_NUMBER = re.compile(
    r"(?<![月\d])\d+(?:号楼|号院|号(?![码线]|早上|晚上|上午|下午|凌晨|中午)|栋|幢|单元|楼|室)|(?<!\d)\d{3,4}(?=$|[，。])"
)
_GENERIC = re.compile(r"小区|大院|院子|大厦|写字楼|社区|楼栋")
_RELATION = re.compile(
    r"大门口|门口|十字路口|路口|交叉口|交界处|旁边|附近|对面|后面|前面|里面|楼下|楼上|门前|背后|隔壁"
)
_FILLER = re.compile(r"的|和|与|跟|靠近|，|、")
_UNKNOWN = re.compile(
    r"(?:住在|位于|就在|在)(?P<name>(?!这|那|一|哪)[\u4e00-\u9fff]{2,4}?(?:街道|大道|小区|社区|花园|路(?!灯|面|口|边|上)|街|巷|村))"
)
_WEIGHTS = {"road": 2.0, "community": 2.0, "public_place": 2.0, "unknown": 1.5, "street": 1.0, "district": 1.0}


@dataclass(frozen=True, slots=True)
class _Piece:
    kind: str  # a kind of place, or: number, generic, relation, landmark, filler
    start: int
    end: int
    text: str
    strength: float = 1.0


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


def place(said: Sequence[Said], gazetteer: Gazetteer) -> Field:
    """Find the place that the citizen tells of, as said, with names as the gazetteer writes them.

    The chain of words with the most in it is the place; a house number, street or spot told in another utterance is
    added. Strengths: 0.95 with a gazetteer name (0.85 of it by sound, 0.6 with a syllable wrong), 0.5 with a name that
    only looks like one (在…路), 0.4 without any name (学校门口).
    """
    chains = [
        chain
        for position, each in enumerate(said)
        if each.speaker == "citizen"
        for chain in _chains(each, position, gazetteer)
    ]
    named = [chain for chain in chains if chain.names]
    details = [chain for chain in chains if not chain.names and _is_detail(chain, said)]
    if not named:
        return _nameless(details)
    main = max(named, key=lambda chain: (chain.weight(), -chain.position))
    parts, value = [main], main.text()
    if not main.has("number") and (detail := next((each for each in details if each.has("number")), None)):
        at = next((i for i, piece in enumerate(main.pieces) if piece.kind not in _WEIGHTS), len(main.pieces))
        spot = main.text(main.pieces[at:])
        value = main.text(main.pieces[:at]) + detail.text() + (f"，{spot}" if spot else "")
        parts.append(detail)
    elif not main.has("relation") and (spot_chain := next((each for each in details if each.has("relation")), None)):
        value += spot_chain.text()
        parts.append(spot_chain)
    area = next((each for each in named if each.only_area and each.text() not in value), None)
    if area and not any(piece.kind == area.names[0].kind for piece in main.pieces):
        value = area.text() + value
        parts.append(area)
    known = min((piece.strength for piece in main.names), default=1.0)
    strength = UNKNOWN_NAME_STRENGTH if main.has("unknown") else NAMED_STRENGTH * known
    return _field(value, strength, parts)


def _nameless(details: Sequence[_Chain]) -> Field:
    best = max(details, key=lambda chain: (chain.weight(), -chain.position), default=None)
    return Field() if best is None else _field(best.text(), NAMELESS_STRENGTH, [best])


def _is_detail(chain: _Chain, said: Sequence[Said]) -> bool:
    spot = chain.has("landmark") and chain.has("relation")
    asked = asked_before(said, chain.position, _QUESTION, reach=3) is not None
    return spot or (chain.has("number") and (len(chain.pieces) > 1 or asked))


def _chains(each: Said, position: int, gazetteer: Gazetteer) -> Iterator[_Chain]:
    pieces: list[_Piece] = []
    at = 0
    for piece in [*_pieces(each.text, gazetteer), _Piece("end", len(each.text) + 9, len(each.text) + 9, "")]:
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
    kept = tuple(pieces[first:last])
    return kept if any(piece.kind not in ("filler", "relation", "generic") for piece in kept) else ()


def _pieces(text: str, gazetteer: Gazetteer) -> Iterator[_Piece]:
    known = {hit.start: _named(hit) for hit in gazetteer.find(text)}
    if not known:
        looks_like = _UNKNOWN.finditer(text)
        known = {found.start("name"): _Piece("unknown", *found.span("name"), found["name"]) for found in looks_like}
    landmark = re.compile("|".join(map(re.escape, gazetteer.landmarks)) or r"(?!)")
    patterns = (
        ("number", _NUMBER),
        ("generic", _GENERIC),
        ("relation", _RELATION),
        ("landmark", landmark),
        ("filler", _FILLER),
    )
    at = 0
    while at < len(text):
        if at in known:
            yield known[at]
            at = known[at].end
            continue
        found = next(((kind, match) for kind, pattern in patterns if (match := pattern.match(text, at))), None)
        if found is None:
            at += 1
            continue
        kind, match = found
        yield _Piece(kind, at, match.end(), match.group())
        at = match.end()


def _named(hit: PlaceHit) -> _Piece:
    return _Piece(hit.place.kind, hit.start, hit.end, hit.place.name, hit.strength)


def _field(value: str, strength: float, chains: Sequence[_Chain]) -> Field:
    spans = [(chain.said, chain.pieces[0].start, chain.pieces[-1].end) for chain in chains]
    heard = fmean(each.confidence(start, end) for each, start, end in spans)
    return Field(value, strength * heard, once([each.evidence(start, end) for each, start, end in spans]))
