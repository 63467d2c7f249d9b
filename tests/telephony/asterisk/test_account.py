import os
import subprocess
from pathlib import Path

import pytest

from telephony.asterisk.account import account_for


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A directory below one that only its owner may pass, like /root."""
    (tmp_path / "root" / "data").mkdir(parents=True)
    (tmp_path / "root").chmod(0o700)
    return tmp_path / "root" / "data"


def test_asterisk_reaches_its_files_below_a_closed_directory_and_is_not_root(closed: Path) -> None:
    (closed / "secret.conf").write_text("x")
    account = account_for([closed], [closed / "secret.conf"])
    script = f"cat '{closed}/secret.conf' && touch '{closed}/written' && id -u"
    answer = subprocess.run(
        [*account.wrapper, "sh", "-c", script], capture_output=True, text=True, check=False, cwd="/"
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("x")
    assert answer.stdout[1:].strip() != "0"
    assert (closed / "written").exists()


def test_an_ordinary_user_runs_it_as_itself(tmp_path: Path) -> None:
    account = account_for([tmp_path], [tmp_path])
    assert bool(account.wrapper) == (os.geteuid() == 0)
