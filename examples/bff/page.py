"""The demo's page: three static files and their configuration. A real front end lives elsewhere."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Response
from pydantic import BaseModel

from bff_clients import BatchClientStatus

_FOLDER: Final = Path(__file__).parent / "page"
_FILES: Final = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
}
_HEADERS: Final = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:;"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
}


class Teacher(BaseModel):
    """A teacher whose dashboard can be shown."""

    user_id: str
    name: str
    purpose: str


class Context(BaseModel):
    """The configuration of the page."""

    teachers: list[Teacher]
    statuses: list[BatchClientStatus]
    control: str


def page(teachers: Callable[[], Sequence[Teacher]], *, control: str) -> APIRouter:
    """Build the routes of the page.

    Args:
        teachers: Returns the teachers to choose from; called each time, because the mock's scenario can be switched.
        control: The URL of the mock's control page.
    """
    router = APIRouter(include_in_schema=False)

    @router.get("/page.json")
    async def context() -> Context:
        return Context(teachers=list(teachers()), statuses=list(BatchClientStatus), control=control)

    for path, (name, media_type) in _FILES.items():
        router.add_api_route(path, partial(_file, (_FOLDER / name).read_bytes(), media_type))
    return router


async def _file(content: bytes, media_type: str) -> Response:
    return Response(content, media_type=media_type, headers=_HEADERS)
