"""The providers' sides of the provider states: what their teams would write to verify the contract."""

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from bff_contracts.states import (
    BATCH_MISSING,
    USER_HAS_BATCHES,
    BatchMissing,
    UserHasBatches,
)
from tests.providers import cms, ras

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
    return {name: partial(handler, str(database)) for name, handler in cms.STATES.items()}


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
