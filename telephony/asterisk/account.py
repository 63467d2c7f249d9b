import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from telephony.errors import TelephonyError

UNPRIVILEGED = "nobody"
# What lets an unprivileged process pass a directory such as /root (0700): the smaller right first.
_RIGHTS_TO_PASS = ("dac_read_search", "dac_override")


class AccountError(TelephonyError):
    """Root started Asterisk, but no unprivileged account can reach its files."""

    error_id = "asterisk_account"


@dataclass(frozen=True, slots=True)
class Account:
    """Who Asterisk runs as: `wrapper` stands before its command line and gives root's rights away."""

    wrapper: tuple[str, ...]


def account_for(owned: Sequence[Path], readable: Sequence[Path]) -> Account:
    """Return the account to run Asterisk under and give it the directories `owned` (with what lies in them).

    An ordinary user runs it as itself. Root gives all rights away (setpriv to `nobody`); where `nobody` cannot pass a
    directory above `readable` or `owned`, it keeps the one right to pass directories. Raises AccountError.
    """
    if os.geteuid() != 0:
        return Account(())
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise AccountError("setpriv (package util-linux) is missing: install it, or start as an ordinary user.")
    entry = pwd.getpwnam(UNPRIVILEGED)
    for directory in owned:
        _give(directory, entry.pw_uid, entry.pw_gid)
    base = (setpriv, f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups", "--no-new-privs")
    for rights in ((), *((right,) for right in _RIGHTS_TO_PASS)):
        kept = ",".join(["-all", *(f"+{right}" for right in rights)])
        # Without that bit access(2) ignores the right, and Asterisk would leave its directory for /.
        bits = ("--securebits=+no_setuid_fixup",) if rights else ()
        wrapper = (*base, *bits, f"--inh-caps={kept}", f"--ambient-caps={kept}", f"--bounding-set={kept}")
        test = " && ".join(f"test -r '{path}'" for path in [*readable, *owned])
        if subprocess.run([*wrapper, "sh", "-c", test], capture_output=True, check=False, cwd="/").returncode == 0:
            return Account(wrapper)
    raise AccountError(
        f"root does not run Asterisk as root, and {UNPRIVILEGED} cannot reach {', '.join(str(p) for p in readable)}: "
        "put data and tools where everybody may pass (ZHITONG_DATA, ZHITONG_TOOLS), or start as an ordinary user."
    )


def _give(directory: Path, uid: int, gid: int) -> None:
    os.chown(directory, uid, gid)
    for path in directory.iterdir():
        if not path.is_symlink() and path.is_file():
            os.chown(path, uid, gid)
