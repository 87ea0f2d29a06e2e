"""The application."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime

from dishka import make_async_container
from dishka.integrations.fastapi import DishkaRoute, FromDishka, setup_dishka
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from bff_clients import (
    BackendError,
    BackendSettings,
    BackendTimeout,
    BackendUnavailable,
    BatchClientStatus,
    CMSClientProtocol,
    ContractViolation,
    CorrelationIdMiddleware,
    InvalidArgument,
    RASClientProtocol,
)
from bff_clients.di import BackendClientsProvider

router = APIRouter(route_class=DishkaRoute)


class BatchRow(BaseModel):
    """A batch as the front end lists it."""

    batch_id: str
    status: BatchClientStatus
    class_name: str | None
    created_at: datetime


class Dashboard(BaseModel):
    """A page of batches."""

    batches: list[BatchRow]
    total_count: int


@router.get("/bff/v1/teacher/dashboard")
async def dashboard(
    request: Request,
    ras: FromDishka[RASClientProtocol],
    cms: FromDishka[CMSClientProtocol],
    limit: int = 20,
    offset: int = 0,
    status: BatchClientStatus | None = None,
) -> Dashboard:
    """The teacher's batches with their classes."""
    user_id = request.headers["X-User-ID"]
    page = await ras.get_batches_for_user(user_id, limit=limit, offset=offset, status=status)
    classes = await cms.get_batch_class_info([batch.batch_id for batch in page.batches])
    return Dashboard(
        batches=[
            BatchRow(
                batch_id=batch.batch_id,
                status=batch.overall_status,
                class_name=known.class_name if (known := classes[batch.batch_id]) else None,
                created_at=batch.created_at,
            )
            for batch in page.batches
        ],
        total_count=page.pagination.total,
    )


async def backend_error(request: Request, error: Exception) -> JSONResponse:
    """A backend's failure in the platform's envelope."""
    match error:
        case InvalidArgument():
            status, code = 422, "VALIDATION_ERROR"
        case BackendTimeout():
            status, code = 504, "TIMEOUT"
        case BackendUnavailable(reason="connect"):
            status, code = 503, "CONNECTION_ERROR"
        case BackendUnavailable(reason="breaker_open"):
            status, code = 503, "CIRCUIT_BREAKER_OPEN"
        case BackendUnavailable():
            status, code = 503, "SERVICE_UNAVAILABLE"
        case ContractViolation():
            status, code = 502, "INVALID_RESPONSE"
        case _:
            status, code = 502, "EXTERNAL_SERVICE_ERROR"
    envelope = {
        "code": code,
        "message": "a backend failed" if isinstance(error, BackendError) else str(error),
        "correlation_id": str(request.state.correlation_id),
        "details": {"status_code": error.status_code if isinstance(error, BackendError) else None},
    }
    return JSONResponse({"error": envelope}, status)


def create_app() -> FastAPI:
    """Put it together."""
    container = make_async_container(BackendClientsProvider())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        await container.get(BackendSettings)  # fails here when a setting is missing, not at the first request
        yield
        await container.close()

    app = FastAPI(lifespan=lifespan)
    app.include_router(router)
    setup_dishka(container, app)
    for kind in (BackendError, InvalidArgument):
        app.add_exception_handler(kind, backend_error)
    app.add_middleware(CorrelationIdMiddleware)
    return app
