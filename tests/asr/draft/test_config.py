import re
import tomllib
from pathlib import Path

import pytest

from asr.draft import Gazetteer, Place, Taxonomy, load_gazetteer, load_taxonomy
from asr.errors import DraftConfigError

UTILITIES = ["lighting", "water", "power", "gas"]
CITY = ["noise", "road", "sanitation", "parking", "building-safety", "public-facilities"]
PEOPLE = ["consumer", "labour", "education", "health", "housing", "environment", "enquiry"]
SHIPPED = Path("config/taxonomy.toml")


def test_the_shipped_taxonomy_has_every_matter_with_a_unit_and_two_names(taxonomy: Taxonomy) -> None:
    tops = [matter for matter in taxonomy.matters if "." not in matter.code]
    assert [matter.code for matter in tops] == UTILITIES + CITY + PEOPLE
    assert all(any(sub.top == top.code for sub in taxonomy.matters if sub is not top) for top in tops)
    for matter in taxonomy.matters:
        assert all((matter.zh, matter.en, matter.unit, matter.strong, matter.required))
        assert not set(matter.strong) & set(matter.phrases)


def test_a_strong_phrase_belongs_to_one_matter(taxonomy: Taxonomy) -> None:
    phrases = [phrase for matter in taxonomy.matters for phrase in matter.strong]
    assert {phrase for phrase in phrases if phrases.count(phrase) > 1} == set()


def test_the_shipped_gazetteer_knows_the_districts_of_its_places() -> None:
    shape = tomllib.loads(Path("config/gazetteer/chengdu.toml").read_text(encoding="utf-8"))
    districts = {entry["name"] for entry in shape["district"]}
    streets = {entry["name"] for entry in shape["street"]}
    for kind in ("street", "road", "community", "public_place"):
        for entry in shape[kind]:
            assert entry.get("district") in districts | {None}
            assert entry.get("street") in streets | {None}


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        ((r'code = "lighting"', 'code = "water"'), "water stands there twice"),
        ((r'complexity = "simple"', 'complexity = "easy"'), "neither simple nor complex"),
        ((r'unit = "城管委"', ""), "unit"),
        ((r"strong = \[.*?\]", "strong = 3"), "list of words"),
        ((r"\[\[matter\]\]", "[[matter]"), "no TOML"),
        ((r"\nnegation =", "\nno ="), "negation"),
    ],
)
def test_a_wrong_taxonomy_says_what_is_wrong(tmp_path: Path, edit: tuple[str, str], says: str) -> None:
    text = re.sub(*edit, SHIPPED.read_text(encoding="utf-8"), count=1)
    path = tmp_path / "taxonomy.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DraftConfigError, match=says) as caught:
        load_taxonomy(path)
    assert "taxonomy.toml" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[examples]\n'noise.cats' = ['猫在叫']", r"unknown code 'noise\.cats'"),
        ("[examples]\nnoise = '太吵了'", "noise.*list"),
        ("[examples]\nnoise = ['太吵了', 3]", "noise.*list"),
        ("[examples]\nnoise = ['太吵了', ' ']", "noise.*empty"),
        ("[examples]\nnoise.construction = ['打桩太吵']", "noise.*in quotes"),
        ("noise = ['太吵了']", r"no \[examples\]"),
        ("[examples", "no TOML"),
    ],
)
def test_wrong_examples_say_what_is_wrong(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "taxonomy.toml").write_text(SHIPPED.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "examples.toml").write_text(content, encoding="utf-8")
    with pytest.raises(DraftConfigError, match=says) as caught:
        load_taxonomy(tmp_path / "taxonomy.toml")
    assert "examples.toml" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("urgnt = ['着火了']", "unknown key 'urgnt'"),
        ("urgent = ['着火了']", "urgent.*by matter"),
        ("[urgent]\nother = '着火了'", "urgent, other needs a list"),
        ("[normal]\nnoise = ['']", "normal, noise has an empty sentence"),
        ("[normal]\nnoise.business = ['酒吧吵']", "noise.business must be in quotes"),
        ("[urgent]\ncats = ['猫在叫']", "unknown code 'cats'"),
        ("calm = ['cats']", "calm names 'cats'"),
    ],
)
def test_wrong_dangers_say_what_is_wrong(tmp_path: Path, content: str, says: str) -> None:
    for name in ("taxonomy.toml", "examples.toml"):
        (tmp_path / name).write_text(SHIPPED.with_name(name).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "dangers.toml").write_text(content, encoding="utf-8")
    with pytest.raises(DraftConfigError, match=says) as caught:
        load_taxonomy(tmp_path / "taxonomy.toml")
    assert "dangers.toml" in str(caught.value)


def test_a_taxonomy_without_examples_goes_by_its_phrases(tmp_path: Path) -> None:
    (tmp_path / "taxonomy.toml").write_text(SHIPPED.read_text(encoding="utf-8"), encoding="utf-8")
    taxonomy = load_taxonomy(tmp_path / "taxonomy.toml")
    assert not taxonomy.examples.matters
    assert taxonomy.likeness.scores("路灯") == {}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'roads = [{ name = "x" }]', "unknown kind 'roads'"),
        (b'road = [{ nam = "x" }]', "no name"),
        (b'road = [{ name = " " }]', "empty name"),
        (b"road = \xff", "cannot be read"),
    ],
)
def test_a_wrong_gazetteer_says_what_is_wrong(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "city.toml").write_bytes(content)
    with pytest.raises(DraftConfigError, match=says):
        load_gazetteer(tmp_path)


def test_missing_files_say_so(tmp_path: Path) -> None:
    with pytest.raises(DraftConfigError, match="holds no gazetteer"):
        load_gazetteer(tmp_path)
    with pytest.raises(DraftConfigError, match=r"nothing\.toml cannot be read"):
        load_taxonomy(tmp_path / "nothing.toml")


def test_all_gazetteer_files_are_read_as_one(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('road = [{ name = "甲路" }]', encoding="utf-8")
    (tmp_path / "b.toml").write_text('community = [{ name = "乙花园", district = "丙区" }]', encoding="utf-8")
    gazetteer = load_gazetteer(tmp_path)
    assert set(gazetteer.names) == {"甲路", "乙花园"}
    assert gazetteer.find("在乙花园")[0].place == Place("乙花园", "community", "丙区")


def test_the_longest_name_wins_and_an_ambiguous_sound_is_no_name() -> None:
    gazetteer = Gazetteer([Place("富华南路", "road"), Place("富华北路", "road"), Place("富华", "community")])
    assert [hit.place.name for hit in gazetteer.find("富华南路")] == ["富华南路"]
    assert [hit.place.name for hit in gazetteer.find("腐化的路")] == ["富华"]
