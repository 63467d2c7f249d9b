import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from api.kit import logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    stream = io.StringIO()
    logs.configure("test", stream)
    yield stream
    root.handlers, root.level = before[0], before[1]
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def test_a_log_line_is_json_with_time_level_event_and_process(stream: io.StringIO) -> None:
    logs.get("x").info("call_stored", call_ref="1.1", caller="赵\n钱")
    line = json.loads(stream.getvalue())
    assert {key: line[key] for key in ("event", "level", "process", "call_ref", "caller")} == {
        "event": "call_stored",
        "level": "info",
        "process": "test",
        "call_ref": "1.1",
        "caller": "赵\n钱",
    }
    assert line["timestamp"].endswith("Z")
    assert stream.getvalue().count("\n") == 1


def test_secrets_never_reach_the_log(stream: io.StringIO) -> None:
    logs.get("x").warning("odd", token="zt_secret", note="Bearer zt_abcdefghijklmnopqrstuvwx came")
    logging.getLogger("other").warning("cannot reach %s", "postgresql://me:hunter2@db/zhitong")
    text = stream.getvalue()
    assert "zt_" not in text
    assert "hunter2" not in text
    assert text.count(logs.HIDDEN) == 3
