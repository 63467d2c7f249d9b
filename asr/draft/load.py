"""The only file of this package that reads files: everything else is pure."""

import tomllib
from pathlib import Path
from typing import Any

from asr.draft.examples import Examples, parse_dangers, parse_examples
from asr.draft.gazetteer import Gazetteer, parse_places
from asr.draft.taxonomy import Taxonomy, parse_taxonomy
from asr.errors import DraftConfigError


def load_taxonomy(path: Path) -> Taxonomy:
    """Read the taxonomy of matters and, where they stand beside it, `examples.toml` and `dangers.toml`.

    Raises DraftConfigError that says what is wrong in which file.
    """
    examples, dangers = path.with_name("examples.toml"), path.with_name("dangers.toml")
    matters = parse_examples(_toml(examples), examples.name) if examples.exists() else {}
    learned = parse_dangers(_toml(dangers), matters, dangers.name) if dangers.exists() else Examples(matters)
    return parse_taxonomy(_toml(path), path.name, learned)


def load_gazetteer(folder: Path) -> Gazetteer:
    """Read all gazetteer files of a folder as one. Raises DraftConfigError; a folder with no file is one."""
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise DraftConfigError(f"{folder.name} holds no gazetteer: put a .toml file with your city's places there")
    read = [parse_places(_toml(path), path.name) for path in files]
    return Gazetteer((place for places, _ in read for place in places), (each for _, marks in read for each in marks))


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise DraftConfigError(f"{path.name} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise DraftConfigError(f"{path.name} is no TOML: {error}") from error
