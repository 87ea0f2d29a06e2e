"""Models: what a date-time may be, and that models can be written, read again and made."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Literal

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel, TypeAdapter, ValidationError

from bff_clients.models import Batch, BatchPage, UtcDateTime
from bff_clients.testing import (
    make_batch,
    make_batch_details,
    make_class_info,
    make_essay,
    make_page,
    make_student_name,
    make_validation_status,
)
from tests.support.golden import Golden

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


LAST_HOUR = datetime(9999, 12, 31, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
"""No datetime can be this moment in UTC."""

BATCH = make_batch(
    overall_status="processing",
    current_phase="cj_assessment",
    created_at="2026-01-31T09:15:30.120+01:00",
    processing_started_at=MOMENT,
)
MODELS = [
    BATCH,
    make_batch(2, current_phase="a_new_phase"),
    make_batch_details(3, make_essay(1), make_essay(2, cj_score=0.5, spellcheck_status="failed")),
    make_page(BATCH, total=7),
    make_batch(4, created_at=LAST_HOUR),
    make_batch(5, created_at="1000-01-01T00:30:00+01:00"),
    make_class_info(),
    make_student_name(),
    make_student_name(2, student_person_name={"first_name": "", "last_name": "Ek", "legal_full_name": None}),
    make_validation_status(auto_confirm_deadline=datetime(2026, 2, 1, 8)),  # noqa: DTZ001  # naive means UTC
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_a_model_survives_each_way_there_and_back(model: BaseModel) -> None:
    """The suite turns warnings into errors, so this also proves that there are none."""
    kind = type(model)

    assert kind.model_validate(model.model_dump()) == model
    assert kind.model_validate_json(model.model_dump_json()) == model
    assert kind.model_validate(model.model_dump(mode="json")) == model
    assert kind.model_validate_json(json.dumps(model.model_dump(mode="json"))) == model


def test_date_times_are_written_in_utc_with_a_z() -> None:
    document = BATCH.model_dump(mode="json")

    assert document["created_at"] == "2026-01-31T08:15:30.120000Z"
    assert document["processing_started_at"] == "2026-01-31T08:15:30Z"
    assert BATCH.model_dump()["created_at"] == datetime(2026, 1, 31, 8, 15, 30, 120000, tzinfo=UTC)


def test_a_date_time_that_no_answer_can_hold_is_refused(golden: Golden) -> None:
    with pytest.raises(ValidationError) as refused:
        make_batch(created_at=datetime.min.replace(tzinfo=timezone(timedelta(hours=5))))

    golden.check(refused.value.errors()[0]["msg"])


@pytest.mark.parametrize("mode", ["validation", "serialization"])
def test_the_json_schema_says_date_time(mode: Literal["validation", "serialization"]) -> None:
    properties = Batch.model_json_schema(mode=mode)["properties"]

    assert properties["created_at"] == {"format": "date-time", "type": "string"}


@pytest.mark.parametrize("document", [{"overall_status": 1}, {"overall_status": "new"}, {"created_at": 1769847330}])
def test_the_wire_stays_strict(document: dict[str, object]) -> None:
    text = json.dumps({**BATCH.model_dump(mode="json"), **document})

    with pytest.raises(ValidationError):
        Batch.model_validate_json(text)


@pytest.mark.parametrize(
    ("page", "next_offset"),
    [
        pytest.param(make_page(), None, id="empty"),
        pytest.param(make_page(BATCH, total=2), 1, id="first"),
        pytest.param(make_page(BATCH, offset=1, total=2), None, id="last"),
        pytest.param(make_page(offset=5, total=2), None, id="past-the-end"),
        pytest.param(make_page(total=2), None, id="rows-vanished"),
    ],
)
def test_a_page_has_the_next_offset(page: BatchPage, next_offset: int | None) -> None:
    assert (page.has_more, page.next_offset) == (next_offset is not None, next_offset)


def test_a_page_of_two_is_not_a_pair() -> None:
    page: Any = make_page(make_batch(1), make_batch(2))

    with pytest.raises(TypeError, match=r"page\.batches .*page\.pagination"):
        _, _ = page


def test_a_page_has_the_length_and_the_entries_of_its_batches() -> None:
    page = make_page(make_batch(1), make_batch(2), total=7)

    assert (len(page), bool(page), bool(make_page(total=7))) == (2, True, False)
    assert (page[0], page[-1], page[:1]) == (make_batch(1), make_batch(2), (make_batch(1),))
    with pytest.raises(IndexError):
        _ = page[2]


async def test_a_route_may_return_models() -> None:
    app = FastAPI()

    @app.get("/batch")
    def batch() -> Batch:
        return BATCH

    @app.get("/page")
    def page() -> BatchPage:
        return make_page(BATCH)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bff") as http:
        assert Batch.model_validate_json((await http.get("/batch")).content) == BATCH
        assert (await http.get("/page")).json()["batches"] == [BATCH.model_dump(mode="json")]
