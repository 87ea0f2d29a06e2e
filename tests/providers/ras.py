"""A RAS on Quart, Dishka and SQLite, as its team might build it, to try the kit on it and on broken copies."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dishka import FromDishka, Provider, Scope, make_async_container, provide  # pyright: ignore[reportUnknownVariableType]
from quart import Quart, request
from quart_dishka import QuartDishka, inject

CLIENT_STATUS = {
    "awaiting_content_validation": "pending_content",
    "awaiting_pipeline_configuration": "pending_content",
    "ready_for_pipeline_execution": "ready",
    "processing_pipelines": "processing",
    "awaiting_student_validation": "processing",
    "student_validation_completed": "processing",
    "validation_timeout_processed": "processing",
    "completed_successfully": "completed_successfully",
    "completed_with_failures": "completed_with_failures",
    "content_ingestion_failed": "failed",
    "failed_critically": "failed",
    "cancelled": "cancelled",
}
FINISHED = {"completed", "failed", "cancelled"}
PHASES = ("spellcheck", "cj_assessment")

BATCH_COLUMNS = [
    "batch_id",
    "user_id",
    "internal_status",
    "assignment_id",
    "essay_count",
    "completed_essay_count",
    "failed_essay_count",
    "requested_pipeline",
    "created_at",
    "last_updated",
    "processing_started_at",
    "processing_completed_at",
    "student_prompt_ref",
]
ESSAY_COLUMNS = [
    "essay_id",
    "filename",
    "file_upload_id",
    "spellcheck_status",
    "spellcheck_correction_count",
    "spellcheck_corrected_text_storage_id",
    "spellcheck_error_detail",
    "cj_assessment_status",
    "cj_rank",
    "cj_score",
    "cj_assessment_error_detail",
    "last_updated",
]
SCHEMA = f"""
CREATE TABLE batches ({", ".join(BATCH_COLUMNS)}, PRIMARY KEY (batch_id));
CREATE TABLE essays (batch_id, position, {", ".join(ESSAY_COLUMNS)});
"""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Settings:
    database: str
    api_key: str
    services: frozenset[str] = frozenset({"bff-teacher-service", "api-gateway-service"})


class BatchRepository:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def page(self, user_id: str, status: str | None, limit: int, offset: int) -> tuple[list[Row], int]:
        where, values = "user_id = :user_id", {"user_id": user_id, "status": status, "limit": limit, "offset": offset}
        if status is not None:
            where += " AND internal_status = :status"
        (total,) = self._connection.execute(f"SELECT count(*) FROM batches WHERE {where}", values).fetchone()
        rows = self._connection.execute(
            f"SELECT * FROM batches WHERE {where} ORDER BY created_at DESC LIMIT :limit OFFSET :offset", values
        )
        return list(rows), total

    def find(self, batch_id: str) -> Row | None:
        row: Row | None = self._connection.execute("SELECT * FROM batches WHERE batch_id = ?", (batch_id,)).fetchone()
        return row

    def essays(self, batch_id: str) -> list[Row]:
        query = "SELECT * FROM essays WHERE batch_id = ? ORDER BY position"
        return list(self._connection.execute(query, (batch_id,)))


class Storage(Provider):
    scope = Scope.REQUEST

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings

    @provide
    def connection(self) -> Iterator[sqlite3.Connection]:
        connection = connect(self._settings.database)
        yield connection
        connection.close()

    @provide
    def batches(self, connection: sqlite3.Connection) -> BatchRepository:
        return BatchRepository(connection)


def connect(database: str) -> sqlite3.Connection:
    connection = sqlite3.connect(database)
    connection.row_factory = sqlite3.Row
    return connection


def create_app(settings: Settings) -> Quart:
    app = Quart("ras")

    @app.before_request
    async def authenticate() -> Any:
        if not request.path.startswith("/internal/"):
            return None
        key, service = request.headers.get("X-Internal-API-Key"), request.headers.get("X-Service-ID")
        if not key or not service:
            return {"error": "Missing authentication"}, 401
        if key != settings.api_key or service not in settings.services:
            return {"error": "Invalid credentials"}, 401
        return None

    @app.get("/healthz")
    async def health() -> Any:
        return {"service": "result-aggregator", "status": "healthy"}

    @app.get("/internal/v1/batches/user/<user_id>")
    @inject
    async def user_batches(user_id: str, repository: FromDishka[BatchRepository]) -> Any:
        limit, offset = request.args.get("limit", 20, int), request.args.get("offset", 0, int)
        status = request.args.get("status")
        if (status is not None and status not in CLIENT_STATUS) or limit < 0 or offset < 0:
            return {"error": "Internal server error"}, 500
        rows, total = repository.page(user_id, status, limit, offset)
        batches = [batch_answer(row, repository.essays(row["batch_id"])) for row in rows]
        return {"batches": batches, "pagination": {"limit": limit, "offset": offset, "total": total}}

    @app.get("/internal/v1/batches/<batch_id>/status")
    @inject
    async def batch_status(batch_id: str, repository: FromDishka[BatchRepository]) -> Any:
        row = repository.find(batch_id)
        if row is None:
            return {"error": "Batch not found"}, 404
        return batch_answer(row, repository.essays(batch_id))

    QuartDishka(app=app, container=make_async_container(Storage(settings)))
    return app


def batch_answer(row: Row, essays: list[Row]) -> dict[str, Any]:
    return {
        "batch_id": row["batch_id"],
        "user_id": row["user_id"],
        "assignment_id": row["assignment_id"],
        "overall_status": CLIENT_STATUS[row["internal_status"]],
        "essay_count": row["essay_count"],
        "completed_essay_count": row["completed_essay_count"],
        "failed_essay_count": row["failed_essay_count"],
        "requested_pipeline": row["requested_pipeline"],
        "current_phase": current_phase(row, essays),
        "essays": [essay_answer(essay) for essay in essays],
        "created_at": moment(row["created_at"]),
        "last_updated": moment(row["last_updated"]),
        "processing_started_at": moment(row["processing_started_at"]),
        "processing_completed_at": moment(row["processing_completed_at"]),
        "student_prompt_ref": document(row["student_prompt_ref"]),
    }


def essay_answer(essay: Row) -> dict[str, Any]:
    return {
        "essay_id": essay["essay_id"],
        "filename": essay["filename"],
        "file_upload_id": essay["file_upload_id"],
        "spellcheck_status": essay["spellcheck_status"],
        "spellcheck_correction_count": essay["spellcheck_correction_count"],
        "spellcheck_corrected_text_storage_id": essay["spellcheck_corrected_text_storage_id"],
        "spellcheck_error_detail": document(essay["spellcheck_error_detail"]),
        "cj_assessment_status": essay["cj_assessment_status"],
        "cj_rank": essay["cj_rank"],
        "cj_score": essay["cj_score"],
        "cj_assessment_error_detail": document(essay["cj_assessment_error_detail"]),
        "last_updated": moment(essay["last_updated"]),
    }


def current_phase(row: Row, essays: list[Row]) -> str | None:
    if row["internal_status"] != "processing_pipelines":
        return None
    for phase in PHASES:
        if any(essay[f"{phase}_status"] not in FINISHED for essay in essays):
            return phase
    return None


def moment(stored: str | None) -> str | None:
    return None if stored is None else datetime.fromisoformat(stored).isoformat()


def document(stored: str | None) -> Any:
    return None if stored is None else json.loads(stored)
