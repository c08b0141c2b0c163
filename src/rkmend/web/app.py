"""The application: its routes, and what becomes of its errors. docs/serve.md says what each route takes and gives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from importlib import resources

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rkmend._version import __version__
from rkmend.targets import load_target, target_names
from rkmend.toolkit.pins import default_version
from rkmend.web.answers import json, refusal
from rkmend.web.errors import Failed, Refused
from rkmend.web.guard import Guard
from rkmend.web.house import House
from rkmend.web.routes_runs import RunRoutes
from rkmend.web.routes_uploads import UploadRoutes

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
ASSETS = {"app.js": "text/javascript", "app.css": "text/css"}


def create_app(house: House) -> Guard:
    """The application of a server."""
    uploads, runs = UploadRoutes(house), RunRoutes(house)

    def route(method: str, path: str, answer: Callable[[Request], Awaitable[Response]]) -> Route:
        return Route(path, answer, methods=[method])

    async def about(_request: Request) -> Response:
        return json(
            {
                "version": __version__,
                "toolkit": default_version(),
                "targets": [
                    {
                        "name": one.name,
                        "cores": one.cores,
                        "dtypes": one.dtypes,
                        "description": one.description,
                    }
                    for one in map(load_target, target_names())
                ],
                "upload_bytes": house.limits.upload_bytes,
                "log_bytes": house.limits.log_bytes,
                "data": str(house.data),
            }
        )

    app = Starlette(
        routes=[
            route("GET", "/", _page),
            route("GET", "/assets/{name}", _asset),
            route("GET", "/api/about", about),
            route("POST", "/api/uploads", uploads.begin),
            route("POST", "/api/uploads/{upload}/files", uploads.receive),
            route("POST", "/api/uploads/{upload}/inspect", uploads.inspect),
            route("GET", "/api/uploads/{upload}", uploads.one),
            route("DELETE", "/api/uploads/{upload}", uploads.drop),
            route("POST", "/api/log", uploads.log),
            route("GET", "/api/runs", runs.all),
            route("POST", "/api/runs", runs.start),
            route("GET", "/api/runs/{run}", runs.one),
            route("DELETE", "/api/runs/{run}", runs.delete),
            route("POST", "/api/runs/{run}/cancel", runs.cancel),
            route("GET", "/api/runs/{run}/files/{name:path}", runs.file),
            route("GET", "/api/runs/{run}/all.zip", runs.archive),
            route("GET", "/api/events", runs.events),
            route("GET", "/report/{run}/{key}/{name:path}", runs.report),
        ],
        exception_handlers={Refused: _refused, Failed: _failed, HTTPException: _unknown, Exception: _broken},
        lifespan=house.open,
    )
    app.router.redirect_slashes = False
    return Guard(app, house.door)


@cache
def _read(package: str, name: str) -> bytes:
    return (resources.files(package) / name).read_bytes()


async def _page(_request: Request) -> Response:
    page = _read("rkmend.web", "page.html")
    return Response(page, media_type="text/html", headers={"content-security-policy": PAGE_POLICY})


async def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in ASSETS:
        raise Refused(404, "there is nothing at this address")
    return Response(_read("rkmend.report.page", f"assets/{name}"), media_type=ASSETS[name])


def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return refusal(error)


def _failed(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Failed)
    return json({"problem": error.problem}, 422)


def _unknown(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    return refusal(Refused(status, "there is nothing at this address"))


def _broken(_request: Request, _error: Exception) -> Response:
    return refusal(Refused(500, "the server met an error of its own", "Its terminal says more."))
