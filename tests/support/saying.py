"""Whether what a client gives is what a backend said."""

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from bff_clients import BatchPage


def says_the_same(result: Any, body: Any) -> bool:
    """Whether a result is what a body says, in all that the client reads of it."""
    values: Any = result
    if isinstance(result, BatchPage):
        return says_the_same(result.batches, body["batches"]) and says_the_same(result.pagination, body["pagination"])
    if isinstance(result, BaseModel):
        return all(says_the_same(getattr(result, name), body[name]) for name in type(result).model_fields)
    if isinstance(result, tuple | list):
        return len(values) == len(body) and all(map(says_the_same, values, body))
    if isinstance(result, dict):
        return values.keys() == body.keys() and all(says_the_same(value, body[name]) for name, value in values.items())
    if isinstance(result, datetime):
        moment = datetime.fromisoformat(body)
        return result == (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) and result.tzinfo is not None
    return bool(result == (float(body) if isinstance(result, float) else body))
