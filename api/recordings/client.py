"""Sends spooled recordings to the server; a local file goes only when the server says that it has the same bytes."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal

import httpx

_BLOCK = 1 << 18
_TIMEOUT = httpx.Timeout(30.0, read=120.0)
_TAKEN = {HTTPStatus.OK, HTTPStatus.CREATED}


@dataclass(frozen=True, slots=True)
class Sending:
    """What became of one file: `stored` and `present` (the PBX has it) are gone from here, `kept` is not."""

    path: Path
    outcome: Literal["stored", "present", "kept"]
    detail: str


def send(path: Path, server: str, token: str) -> Sending:
    """Send one recording; never raises for what the network or the server does."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256")
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "audio/wav",
        "Content-Length": str(path.stat().st_size),
        "Content-Digest": f"sha-256=:{base64.b64encode(digest.digest()).decode()}:",
    }
    url = f"{server.rstrip('/')}/api/v1/recordings/{path.stem}/audio"
    try:
        answer = httpx.put(url, content=_blocks(path), headers=headers, timeout=_TIMEOUT)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Sending(path, "kept", f"{server}: {str(error) or type(error).__name__}")
    shape = _json(answer)
    if answer.status_code in _TAKEN and shape.get("sha256") == digest.hexdigest():
        path.unlink()
        return Sending(path, "stored", str(shape.get("call_ref", "")))
    if answer.status_code == HTTPStatus.CONFLICT and shape.get("error_id") == "recording_present":
        path.unlink()
        return Sending(path, "present", str(shape.get("detail", "")))
    return Sending(path, "kept", f"{answer.status_code} [{shape.get('error_id', '?')}] {shape.get('detail', '')}")


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            yield block


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        shape = answer.json()
    except ValueError:
        return {}
    return shape if isinstance(shape, dict) else {}
