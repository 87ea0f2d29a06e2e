"""CMS as a team on FastAPI would write it while only the classes are built."""

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from uuid import UUID

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from tests.providers.cms import ClassRepository, Settings


def create_app(settings: Settings) -> FastAPI:
    app = FastAPI()

    @app.middleware("http")
    async def authenticate(request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
        if request.url.path.startswith("/internal/"):
            key, service = request.headers.get("X-Internal-API-Key"), request.headers.get("X-Service-ID")
            if not key or not service:
                return JSONResponse({"error": "Missing authentication"}, 401)
            if key != settings.api_key:
                return JSONResponse({"error": "Invalid credentials"}, 401)
        return await proceed(request)

    @app.get("/healthz")
    async def health() -> dict[str, str]:
        return {"service": "class-management", "status": "healthy"}

    @app.get("/internal/v1/batches/class-info")
    async def class_info(batch_ids: str = "") -> Response:
        try:
            asked = [str(UUID(text)) for text in batch_ids.split(",") if text]
        except ValueError:
            return JSONResponse({"error": "Invalid UUID format"}, 400)
        with closing(sqlite3.connect(settings.database)) as connection:
            classes = ClassRepository(connection)
            return JSONResponse({batch_id: classes.class_of(batch_id) for batch_id in asked})

    return app
