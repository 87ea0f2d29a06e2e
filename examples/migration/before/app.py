"""The application."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID, uuid4

from dishka import make_async_container
from dishka.integrations.fastapi import DishkaRoute, FromDishka, setup_dishka
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint

from examples.migration.before.clients import ExternalServiceError
from examples.migration.before.di import ServiceProvider
from examples.migration.before.protocols import CMSClientProtocol, RASClientProtocol

router = APIRouter(route_class=DishkaRoute)


class BatchRow(BaseModel):
    """A batch as the front end lists it."""

    batch_id: str
    status: str
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
    status: str | None = None,
) -> Dashboard:
    """The teacher's batches with their classes."""
    correlation_id = request.state.correlation_id
    user_id = request.headers["X-User-ID"]
    rows, pagination = await ras.get_batches_for_user(user_id, correlation_id, limit, offset, status)
    classes = await cms.get_class_info_for_batches([UUID(row["batch_id"]) for row in rows], correlation_id)
    return Dashboard(
        batches=[
            BatchRow(
                batch_id=row["batch_id"],
                status=row["overall_status"],
                class_name=known["class_name"] if (known := classes.get(row["batch_id"])) else None,
                created_at=row["created_at"],
            )
            for row in rows
        ],
        total_count=pagination["total"],
    )


class CorrelationIdMiddleware(BaseHTTPMiddleware):
    """Takes the correlation id of a request, or makes one."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Serve one request."""
        given = request.headers.get("X-Correlation-ID")
        request.state.correlation_id = UUID(given) if given else uuid4()
        response = await call_next(request)
        response.headers["X-Correlation-ID"] = str(request.state.correlation_id)
        return response


async def external_service_error(request: Request, error: Exception) -> JSONResponse:
    """A backend's failure in the platform's envelope."""
    status_code = error.status_code if isinstance(error, ExternalServiceError) else None
    envelope = {
        "code": "EXTERNAL_SERVICE_ERROR",
        "message": "a backend failed",
        "correlation_id": str(request.state.correlation_id),
        "details": {"status_code": status_code},
    }
    return JSONResponse({"error": envelope}, 502)


def create_app() -> FastAPI:
    """Put it together."""
    container = make_async_container(ServiceProvider())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        yield
        await container.close()

    app = FastAPI(lifespan=lifespan)
    app.include_router(router)
    setup_dishka(container, app)
    app.add_exception_handler(ExternalServiceError, external_service_error)
    app.add_middleware(CorrelationIdMiddleware)
    return app
