"""Guard: which requests reach the server at all, and the headers that every answer carries.

The server listens on the loopback interface, which keeps other machines out but not the pages of other sites in the
user's own browser. Against those: a secret that only the user was given (token, then cookie), the Host that was asked
for (a name that is rebound to 127.0.0.1 is not ours), and the Origin of what asks.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rkmend.web.answers import refusal
from rkmend.web.errors import Refused

REPORT = "/report/"
"""Below it a key in the path opens the door: a report in its sandbox has no cookie."""
SAFE = ("GET", "HEAD")
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
HEADERS = {
    "content-security-policy": NOTHING,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
LOCKED = """<!doctype html><html lang="en"><meta charset="utf-8"><title>rkmend</title>
<p>This page opens with the link that <code>rkmend serve</code> printed when it started.</p>
<p lang="zh">请使用 <code>rkmend serve</code> 启动时显示的链接打开本页面。</p></html>"""


@dataclass(frozen=True)
class Door:
    """Where the server is, and what opens it.

    Attributes:
        host: The address it listens on.
        port: The port.
        token: In the link that the user is given.
        session: What the token is exchanged for: the value of the cookie.
    """

    host: str
    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    session: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def cookie(self) -> str:
        """Its name; browsers keep one jar for all ports of a host."""
        return f"rkmend-{self.port}"

    @property
    def loopback(self) -> bool:
        """Whether nobody but this machine can connect."""
        return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback

    @property
    def url(self) -> str:
        """The link without its token."""
        name = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104 - what was given
        return f"http://{f'[{name}]' if ':' in name else name}:{self.port}/"

    def is_ours(self, authority: str) -> bool:
        """Whether `host:port`, of a Host header or an Origin, is this server.

        A name can be rebound to any address, an address cannot: where the server listens on more than the
        loopback interface, any address is good, and of names only `localhost`.
        """
        name, _, port = authority.rpartition(":")
        if port != str(self.port):
            return False
        if name == "localhost":
            return True
        try:
            address = ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return address.is_loopback if self.loopback else True


class Guard:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app, self._door = app, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request in, or answers it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # there are no other kinds here
        answer = self._answer(scope)
        await (answer or self._app)(scope, receive, _with_headers(send))

    def _answer(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        path, method = scope["path"], scope["method"]
        if not self._door.is_ours(headers.get("host", "")):
            return refusal(
                Refused(421, "this server is not the one that the request names", "Check the address.")
            )
        if self._is_foreign(headers, path, method):
            return refusal(Refused(403, "the request comes from a page of another site"))
        if path.startswith(REPORT) and method in SAFE:
            return None
        if (
            path == "/"
            and method == "GET"
            and (tokens := parse_qs(scope["query_string"].decode("latin-1")).get("token"))
        ):
            return self._exchange(tokens[0])
        if self._knows(headers):
            return None
        if path == "/" or "text/html" in headers.get("accept", ""):
            return HTMLResponse(LOCKED, 401)
        return refusal(
            Refused(401, "the request brings no token", "Open the link that rkmend serve printed.")
        )

    def _is_foreign(self, headers: Headers, path: str, method: str) -> bool:
        origin = headers.get("origin")
        if origin is not None and not (origin.startswith("http://") and self._door.is_ours(origin[7:])):
            return True
        if method not in SAFE and origin is None and "authorization" not in headers:
            return True  # browsers always tell it; a script that has no Origin has the token
        navigation = headers.get("sec-fetch-mode") == "navigate" and method in SAFE
        may_come_from_anywhere = navigation and (path == "/" or path.startswith(REPORT))
        return (
            headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
            and not may_come_from_anywhere
        )

    def _exchange(self, token: str) -> Response:
        if not _same(token, self._door.token):
            return HTMLResponse(LOCKED, 401)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(self._door.cookie, self._door.session, httponly=True, samesite="strict")
        return answer

    def _knows(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and _same(given.strip(), self._door.token):
            return True
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(self._door.cookie)
        except CookieError:
            return False
        return morsel is not None and _same(morsel.value, self._door.session)


def _same(given: str, secret: str) -> bool:
    return secrets.compare_digest(given.encode(), secret.encode())


def _with_headers(send: Send) -> Callable[[Message], Awaitable[None]]:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending
