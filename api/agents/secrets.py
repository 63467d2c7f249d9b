import json
import os
import secrets
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path


class SecretsError(RuntimeError):
    """The file of secrets cannot be used; the message says what to do."""

    error_id = "secrets.unusable"


@dataclass(frozen=True, slots=True)
class Secrets:
    """What only this system's own parts may know. Its repr tells nothing."""

    ami: str = field(repr=False)
    sip: dict[str, str] = field(repr=False)


def load_or_create(path: Path, extensions: Iterable[str]) -> Secrets:
    """Return the secrets in `path` (mode 0600); what is missing is made up and added, what is there never changes.

    Raises SecretsError when the file is damaged or can be read by others: a new AMI secret would cut off the
    running Asterisk, so none is invented over an unreadable one.
    """
    try:
        known = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (OSError, ValueError) as error:
        raise SecretsError(
            f"{path} cannot be read ({error}). Restore it, or remove it to have all made anew."
        ) from error
    if path.exists() and path.stat().st_mode & 0o077:
        raise SecretsError(f"{path} can be read by others. Run: chmod 600 {path}")
    ami = str(known.get("ami_secret") or secrets.token_urlsafe(32))
    old_sip = known.get("sip_passwords") or {}
    sip = {**old_sip, **{extension: old_sip.get(extension) or secrets.token_urlsafe(18) for extension in extensions}}
    if ami != known.get("ami_secret") or sip != old_sip:
        _write(path, ami, sip)
    return Secrets(ami, sip)


def _write(path: Path, ami: str, sip: dict[str, str]) -> None:
    lines = [
        "# Made by zhitong. Keep it: phones and the router log in to Asterisk with these.",
        f"ami_secret = {json.dumps(ami)}",
    ]
    lines += [
        "",
        "[sip_passwords]",
        *(f"{json.dumps(name)} = {json.dumps(word)}" for name, word in sorted(sip.items())),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
