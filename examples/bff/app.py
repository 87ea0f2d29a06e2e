"""Assembles the application. `uvicorn --factory examples.bff.app:create_app --port 4101` serves it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from dishka import make_async_container
from dishka.integrations.fastapi import setup_dishka
from fastapi import FastAPI

from bff_clients import BackendSettings, CorrelationIdMiddleware
from bff_clients.di import BackendClientsProvider
from examples.bff import batch, dashboard, errors, health


def create_app(settings: BackendSettings | None = None) -> FastAPI:
    """Build the application.

    Args:
        settings: Where the backends are; read from the environment when there is none.
    """
    container = make_async_container(BackendClientsProvider(settings))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        await container.get(BackendSettings)  # a missing key is known at start, not at the first request
        yield
        await container.close()  # and with it the HTTP client

    # No redirects: one for a trailing slash would lead to the host that the caller names.
    # No /docs: its page loads scripts from elsewhere.
    app = FastAPI(title="BFF Teacher Service", lifespan=lifespan, redirect_slashes=False, docs_url=None, redoc_url=None)
    for module in (dashboard, batch, health):
        app.include_router(module.router)
    setup_dishka(container, app)
    errors.answer_errors(app)
    # The last one added is the outermost: everything inside has the id, the responses to errors too.
    app.add_middleware(CorrelationIdMiddleware)
    return app
