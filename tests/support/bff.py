"""A BFF as the teacher service will be: FastAPI, Dishka, the dashboard route, the platform's error envelope."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

from dishka import make_async_container
from dishka.integrations.fastapi import DishkaRoute, FromDishka, setup_dishka
from fastapi import APIRouter, FastAPI, Header, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from bff_clients import (
    BackendError,
    BackendRejected,
    BackendSettings,
    BackendTimeout,
    BackendUnavailable,
    BatchClientStatus,
    CMSClientProtocol,
    ContractViolation,
    RASClientProtocol,
)
from bff_clients.di import BackendClientsProvider

router = APIRouter(route_class=DishkaRoute)


class DashboardRow(BaseModel):
    batch_id: str
    status: BatchClientStatus
    created_at: datetime
    class_name: str | None


class Dashboard(BaseModel):
    rows: list[DashboardRow]
    total: int


@router.get("/bff/v1/teacher/dashboard")
async def dashboard(
    ras: FromDishka[RASClientProtocol],
    cms: FromDishka[CMSClientProtocol],
    x_user_id: Annotated[str, Header()],
    x_correlation_id: Annotated[str | None, Header()] = None,
    limit: int = 20,
    offset: int = 0,
) -> Dashboard:
    correlation_id = x_correlation_id or str(uuid4())
    page = await ras.get_batches_for_user(x_user_id, limit=limit, offset=offset, correlation_id=correlation_id)
    classes = await cms.get_batch_class_info([batch.batch_id for batch in page], correlation_id=correlation_id)
    rows: list[DashboardRow] = []
    for batch in page:
        known = classes[batch.batch_id]
        rows.append(
            DashboardRow(
                batch_id=batch.batch_id,
                status=batch.overall_status,
                created_at=batch.created_at,
                class_name=known.class_name if known else None,
            )
        )
    return Dashboard(rows=rows, total=page.pagination.total)


def envelope_of(error: BackendError) -> tuple[int, str]:
    """Give HTTP status and envelope code; the README's table says the same, and a test compares."""
    match error:
        case BackendTimeout():
            return 504, "TIMEOUT"
        case BackendUnavailable(reason="connect"):
            return 503, "CONNECTION_ERROR"
        case BackendUnavailable(reason="breaker_open"):
            return 503, "CIRCUIT_BREAKER_OPEN"
        case BackendUnavailable():
            return 503, "SERVICE_UNAVAILABLE"
        case ContractViolation():
            return 502, "INVALID_RESPONSE"
        case BackendRejected():
            return 502, "EXTERNAL_SERVICE_ERROR"
        case _:
            raise error


async def backend_error(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, BackendError):
        raise error
    status, code = envelope_of(error)
    envelope = {
        "code": code,
        "message": f"{error.service} could not be read",
        "correlation_id": error.correlation_id,
        "service": "bff-teacher-service",
        "timestamp": datetime.now(UTC).isoformat(),
        "details": {"backend": error.service, "operation": error.operation},
    }
    return JSONResponse({"error": envelope}, status_code=status)


def create_app(settings: BackendSettings) -> FastAPI:
    """Build the application; its lifespan closes the container, and so the HTTP client."""
    container = make_async_container(BackendClientsProvider(settings))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        yield
        await container.close()

    app = FastAPI(lifespan=lifespan)
    app.include_router(router)
    app.add_exception_handler(BackendError, backend_error)
    setup_dishka(container, app)
    return app
