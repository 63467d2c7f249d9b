"""Logs: one JSON object a line, with time, level and event; secrets never."""

import logging
import re
import sys
from typing import Any, TextIO

import structlog
from structlog.stdlib import BoundLogger
from structlog.typing import EventDict, WrappedLogger

_SECRET_KEY = re.compile(r"token|secret|password|authorization|cookie|database_url", re.IGNORECASE)
_SECRET_TEXT = re.compile(r"zt_[A-Za-z0-9_-]{16,}|(?<=://)[^/@\s:]*:[^/@\s]*(?=@)")
HIDDEN = "[hidden]"


def hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace what looks like a token or a password, by its key or by its shape."""
    return {key: HIDDEN if _SECRET_KEY.search(key) else _hide(value) for key, value in event.items()}


def _hide(value: Any) -> Any:
    return _SECRET_TEXT.sub(HIDDEN, value) if isinstance(value, str) else value


def configure(process: str, stream: TextIO | None = None) -> None:
    """Send all logs of this process, the libraries' too, as JSON lines to `stream` (default: standard output)."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        hide_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for noisy in ("procrastinate", "httpx", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(process=process)


def get(name: str) -> BoundLogger:
    """Return a logger; call it with an event's name and fields: `log.info("call_stored", call_ref=…)`."""
    logger: BoundLogger = structlog.stdlib.get_logger(name)
    return logger
