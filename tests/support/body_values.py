"""Whether the result of a client has the values of a response body."""

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from bff_clients import BatchPage


def has_the_values_of(result: Any, body: Any) -> bool:
    """Whether a result has the values of a body, in every field that the client reads."""
    values: Any = result
    if isinstance(result, BatchPage):
        return has_the_values_of(result.batches, body["batches"]) and has_the_values_of(
            result.pagination, body["pagination"]
        )
    if isinstance(result, BaseModel):
        return all(has_the_values_of(getattr(result, name), body[name]) for name in type(result).model_fields)
    if isinstance(result, tuple | list):
        return len(values) == len(body) and all(map(has_the_values_of, values, body))
    if isinstance(result, dict):
        return values.keys() == body.keys() and all(
            has_the_values_of(value, body[name]) for name, value in values.items()
        )
    if isinstance(result, datetime):
        moment = datetime.fromisoformat(body)
        return result == (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) and result.tzinfo is not None
    return bool(result == (float(body) if isinstance(result, float) else body))
