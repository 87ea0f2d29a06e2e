"""The providers' sides of the provider states: what their teams would write to verify the contract."""

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from bff_contracts.states import (
    BATCH_MISSING,
    BATCHES_HAVE_CLASSES,
    USER_HAS_BATCHES,
    BatchesHaveClasses,
    BatchMissing,
    UserHasBatches,
)
from tests.provider import cms, ras

States = Mapping[str, Callable[[Any], Any]]


def ras_states(database: Path) -> States:
    with closing(ras.connect(str(database))) as connection:
        connection.executescript(ras.SCHEMA)
    return {
        USER_HAS_BATCHES: partial(seed_batches, database),
        BATCH_MISSING: partial(remove_batch, database),
    }


def cms_states(database: Path) -> States:
    with closing(ras.connect(str(database))) as connection:
        connection.executescript(cms.SCHEMA)
    return {BATCHES_HAVE_CLASSES: partial(seed_classes, database)}


def seed_batches(database: Path, params: UserHasBatches) -> None:
    with closing(ras.connect(str(database))) as connection, connection:
        connection.execute("DELETE FROM batches WHERE user_id = ?", (params.user_id,))
        for batch in params.batches:
            connection.execute("DELETE FROM essays WHERE batch_id = ?", (batch.batch_id,))
            columns = {**batch.model_dump(exclude={"essays"}), "user_id": params.user_id}
            insert(connection, "batches", columns)
            for position, essay in enumerate(batch.essays):
                insert(connection, "essays", {**essay.model_dump(), "batch_id": batch.batch_id, "position": position})


def insert(connection: Any, table: str, row: Mapping[str, Any]) -> None:
    values = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in row.items()}
    names = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    connection.execute(f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})", values)


def remove_batch(database: Path, params: BatchMissing) -> None:
    with closing(ras.connect(str(database))) as connection, connection:
        connection.execute("DELETE FROM batches WHERE batch_id = ?", (params.batch_id,))


def seed_classes(database: Path, params: BatchesHaveClasses) -> None:
    with closing(ras.connect(str(database))) as connection, connection:
        for batch_id, row in params.classes.items():
            connection.execute("DELETE FROM batch_classes WHERE batch_id = ?", (batch_id,))
            if row is not None:
                connection.execute("INSERT OR REPLACE INTO classes VALUES (?, ?)", (row.class_id, row.class_name))
                connection.execute("INSERT INTO batch_classes VALUES (?, ?)", (batch_id, row.class_id))
