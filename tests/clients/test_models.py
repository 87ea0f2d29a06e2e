"""What a date-time of an answer may be, whoever reads it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from bff_clients.models import UtcDateTime

MOMENT = datetime(2026, 1, 31, 8, 15, 30, tzinfo=UTC)


@pytest.fixture
def adapter() -> TypeAdapter[datetime]:
    return TypeAdapter(UtcDateTime)


@pytest.mark.parametrize("text", ["2026-01-31T08:15:30", "2026-01-31T08:15:30Z", "2026-01-31T09:15:30.000+01:00"])
def test_the_forms_of_the_contract_are_one_moment(adapter: TypeAdapter[datetime], text: str) -> None:
    assert adapter.validate_python(text) == MOMENT


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("2026-01-31", id="date"),
        pytest.param("2026-01-31 08:15:30", id="blank"),
        pytest.param("1769847330", id="unix-time-as-text"),
        pytest.param(1769847330, id="unix-time"),
        pytest.param(b"2026-01-31T08:15:30", id="bytes"),
        pytest.param(None, id="null"),
    ],
)
def test_pydantics_other_forms_are_refused(adapter: TypeAdapter[datetime], value: object) -> None:
    with pytest.raises(ValidationError):
        adapter.validate_python(value)
