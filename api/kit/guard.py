"""What every answer and every changing request goes through: headers that limit the browser, no foreign forms."""

from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.kit.problems import document

_POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'; "
    "script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; connect-src 'self'"
)
# Swagger UI draws with inline styles.
_DOCS_POLICY = _POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse changes that another site's page asks for; set the headers on every answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Content-Security-Policy", _DOCS_POLICY if scope["path"] == "/docs" else _POLICY)
            await send(message)

        if scope["method"] not in _SAFE and not _own_page(Headers(scope=scope)):
            refusal = document(
                HTTPStatus.FORBIDDEN, "foreign_origin", "This request comes from a page that is not zhitong's own."
            )
            await refusal(scope, receive, with_headers)
            return
        await self.app(scope, receive, with_headers)


def _own_page(headers: Headers) -> bool:
    """Say whether a changing request comes from our own page, or from a program that brings its own token."""
    if headers.get("authorization"):
        return True
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")
