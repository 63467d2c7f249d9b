from pathlib import Path

import pytest

from api.agents.seats import SeatsError, load_seats
from api.agents.secrets import SecretsError, load_or_create


def test_secrets_are_made_once_private_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "secrets.toml"
    first = load_or_create(path, ["8001"])
    assert path.stat().st_mode & 0o777 == 0o600
    second = load_or_create(path, ["8001", "8002"])
    assert second.ami == first.ami
    assert second.sip["8001"] == first.sip["8001"]
    assert len({second.ami, *second.sip.values()}) == 3
    assert min(map(len, [second.ami, *second.sip.values()])) >= 20


def test_secrets_show_in_no_repr(tmp_path: Path) -> None:
    secrets = load_or_create(tmp_path / "secrets.toml", ["8001"])
    assert secrets.ami not in repr(secrets)
    assert secrets.sip["8001"] not in repr(secrets)


def test_a_readable_or_damaged_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "secrets.toml"
    load_or_create(path, ["8001"])
    path.chmod(0o644)
    with pytest.raises(SecretsError, match="chmod 600"):
        load_or_create(path, ["8001"])
    path.chmod(0o600)
    path.write_text("ami_secret = 'torn", encoding="utf-8")
    with pytest.raises(SecretsError, match="Restore it"):
        load_or_create(path, ["8001"])
    assert path.read_text(encoding="utf-8") == "ami_secret = 'torn"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[seat]]\nextension = '80a1'\nname = '一号'", "extension"),
        ("[[seat]]\nextension = '8001'", "name"),
        ("[[seat]]\nextension = '8001'\nname = '一号'\nskill = 'x'", "skill"),
        ("[[seat", "agents.toml"),
    ],
)
def test_a_wrong_seat_is_named(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "agents.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SeatsError, match=says):
        load_seats(tmp_path, tmp_path / "secrets.toml")


def test_the_shipped_seats_are_humans_first_then_drill_seats_that_are_asked_first() -> None:
    # The repository's own file, with secrets elsewhere.
    import tempfile  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        seats = load_seats(Path("config"), Path(folder) / "secrets.toml")
    assert [seat.extension for seat in seats if not seat.drill] == ["8001", "8002", "8003", "8004"]
    assert max(seat.penalty for seat in seats if seat.drill) < min(seat.penalty for seat in seats if not seat.drill)
