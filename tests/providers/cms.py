"""A CMS on Quart, Dishka and SQLite, as its team might build it, to try the kit on it and on broken copies."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from dishka import FromDishka, Provider, Scope, make_async_container, provide  # pyright: ignore[reportUnknownVariableType]
from quart import Quart, request
from quart_dishka import QuartDishka, inject

from bff_contracts.states import (
    BATCHES_HAVE_CLASSES,
    BATCHES_HAVE_STUDENT_NAMES,
    BATCHES_HAVE_VALIDATIONS,
    BatchesHaveClasses,
    BatchesHaveStudentNames,
    BatchesHaveValidations,
    ValidationRow,
)

PATIENCE = timedelta(hours=24)
SCHEMA = """
CREATE TABLE classes (class_id TEXT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE batch_classes (batch_id TEXT PRIMARY KEY, class_id TEXT NOT NULL REFERENCES classes);
CREATE TABLE associations (batch_id TEXT NOT NULL, state TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE students (student_id TEXT PRIMARY KEY, first_name TEXT NOT NULL, last_name TEXT NOT NULL, full_name TEXT);
CREATE TABLE authors (essay_id TEXT PRIMARY KEY, batch_id TEXT NOT NULL, student_id TEXT NOT NULL REFERENCES students);
"""


@dataclass(frozen=True)
class Settings:
    database: str
    api_key: str


class ClassRepository:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def class_of(self, batch_id: str) -> dict[str, str] | None:
        found = self._connection.execute(
            "SELECT class_id, name FROM batch_classes JOIN classes USING (class_id) WHERE batch_id = ?", (batch_id,)
        ).fetchone()
        return None if found is None else {"class_id": found[0], "class_name": found[1]}

    def validation_of(self, batch_id: str) -> dict[str, Any] | None:
        total, pending, confirmed, earliest = self._connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE state = 'pending'), count(*) FILTER (WHERE state = 'confirmed'),"
            " min(created_at) FILTER (WHERE state = 'pending') FROM associations WHERE batch_id = ?",
            (batch_id,),
        ).fetchone()
        if total == 0:
            return None
        return {
            "batch_id": batch_id,
            "deviation_count": pending,
            "auto_confirm_deadline": deadline_of(earliest),
            "total_associations": total,
            "confirmed_associations": confirmed,
        }

    def names_of(self, batch_id: str) -> list[dict[str, Any]]:
        found = self._connection.execute(
            "SELECT essay_id, student_id, first_name, last_name, full_name"
            " FROM authors JOIN students USING (student_id) WHERE batch_id = ?",
            (batch_id,),
        )
        return [
            {
                "essay_id": essay_id,
                "student_id": student_id,
                "student_person_name": {
                    "first_name": first,
                    "last_name": last,
                    "legal_full_name": f"{first} {last}" if full is None else full,
                },
            }
            for essay_id, student_id, first, last, full in found
        ]


def deadline_of(earliest: str | None) -> str | None:
    return None if earliest is None else (datetime.fromisoformat(earliest) + PATIENCE).isoformat()


class Storage(Provider):
    scope = Scope.REQUEST

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings

    @provide
    def connection(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._settings.database)
        yield connection
        connection.close()

    @provide
    def classes(self, connection: sqlite3.Connection) -> ClassRepository:
        return ClassRepository(connection)


def create_app(settings: Settings) -> Quart:
    app = Quart("cms")

    @app.before_request
    async def authenticate() -> Any:
        if not request.path.startswith("/internal/"):
            return None
        key, service = request.headers.get("X-Internal-API-Key"), request.headers.get("X-Service-ID")
        if not key or not service:
            return {"error": "Missing authentication"}, 401
        if key != settings.api_key:
            return {"error": "Invalid credentials"}, 401
        return None

    @app.get("/healthz")
    async def health() -> Any:
        return {"service": "class-management", "status": "healthy"}

    @app.get("/internal/v1/batches/class-info")
    @inject
    async def class_info(repository: FromDishka[ClassRepository]) -> Any:
        asked = [text for text in request.args.get("batch_ids", "").split(",") if text]
        try:
            batch_ids = [str(UUID(text)) for text in asked]
        except ValueError:
            return {"error": "Invalid UUID format"}, 400
        return {batch_id: repository.class_of(batch_id) for batch_id in batch_ids}

    @app.get("/internal/v1/batches/validation-status")
    @inject
    async def validation_status(repository: FromDishka[ClassRepository]) -> Any:
        asked = request.args.get("batch_ids", "").split(",")
        return {one: repository.validation_of(one) for one in asked}

    @app.get("/internal/v1/batches/<batch_id>/student-names")
    @inject
    async def student_names(batch_id: str, repository: FromDishka[ClassRepository]) -> Any:
        try:
            return repository.names_of(str(UUID(batch_id)))
        except ValueError:
            return {"error": {"error_code": "VALIDATION_ERROR", "message": "Invalid batch_id format"}}, 400

    QuartDishka(app=app, container=make_async_container(Storage(settings)))
    return app


def seed_classes(database: str, params: BatchesHaveClasses) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        for batch_id, row in params.classes.items():
            connection.execute("DELETE FROM batch_classes WHERE batch_id = ?", (batch_id,))
            if row is not None:
                connection.execute("INSERT OR REPLACE INTO classes VALUES (?, ?)", (row.class_id, row.class_name))
                connection.execute("INSERT INTO batch_classes VALUES (?, ?)", (batch_id, row.class_id))


def seed_validations(database: str, params: BatchesHaveValidations) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        for batch_id, row in params.validations.items():
            connection.execute("DELETE FROM associations WHERE batch_id = ?", (batch_id,))
            associations = associations_of(row) if row is not None else ()
            values = [(batch_id, state, created.isoformat()) for state, created in associations]
            connection.executemany("INSERT INTO associations VALUES (?, ?, ?)", values)


def associations_of(row: ValidationRow) -> Iterator[tuple[str, datetime]]:
    """Associations that lead to a row: the earliest pending one is a day before the deadline."""
    first = datetime.fromisoformat(row.auto_confirm_deadline or "2026-02-01T08:15:30.120") - PATIENCE
    for number in range(row.deviation_count):
        yield "pending", first + timedelta(minutes=number)
    for number in range(row.total_associations - row.deviation_count):
        yield "confirmed" if number < row.confirmed_associations else "rejected", first - timedelta(hours=number + 1)


def seed_names(database: str, params: BatchesHaveStudentNames) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        for batch_id, rows in params.student_names.items():
            connection.execute("DELETE FROM authors WHERE batch_id = ?", (batch_id,))
            for row in rows:
                student = (row.student_id, *row.student_person_name.model_dump().values())
                connection.execute("INSERT OR REPLACE INTO students VALUES (?, ?, ?, ?)", student)
                connection.execute("INSERT INTO authors VALUES (?, ?, ?)", (row.essay_id, batch_id, row.student_id))


STATES: dict[str, Callable[[str, Any], None]] = {
    BATCHES_HAVE_CLASSES: seed_classes,
    BATCHES_HAVE_VALIDATIONS: seed_validations,
    BATCHES_HAVE_STUDENT_NAMES: seed_names,
}
