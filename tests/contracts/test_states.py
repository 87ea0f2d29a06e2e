"""The catalogue of provider states: what it says, and what it refuses."""

from typing import Any, get_args

import pytest
from pydantic import ValidationError

from bff_clients import BatchStatus
from bff_clients.models import DATE_TIME_PATTERN, UUID_PATTERN, EssayStatus
from bff_contracts import states
from bff_contracts.platform import CMS, RAS
from tests.consumer.rows import BATCH_IDS, SWEDISH_CLASS, TEACHER, batch_row, essay_row

ROW = batch_row(0, BatchStatus.PROCESSING_PIPELINES, essays=[essay_row(0)])


def test_vocabularies_are_the_clients() -> None:
    """States and clients speak of the same statuses and forms, though neither imports the other."""
    assert set(get_args(states.InternalStatus)) == {status.value for status in BatchStatus}
    assert set(get_args(states.PhaseStatus)) == set(get_args(EssayStatus))
    assert (states.UUID_PATTERN, states.DATE_TIME_PATTERN) == (UUID_PATTERN, DATE_TIME_PATTERN)


@pytest.mark.parametrize("state", states.CATALOGUE, ids=lambda state: state.name)
def test_every_param_is_required(state: states.ProviderState) -> None:
    """A state without its params is refused, each of them named."""
    with pytest.raises(ValidationError) as caught:
        state.params.model_validate({})

    assert {error["loc"][0] for error in caught.value.errors()} == set(state.params.model_fields)
    assert {error["type"] for error in caught.value.errors()} == {"missing"}


def _row(**changes: Any) -> dict[str, Any]:
    return {"user_id": TEACHER, "batches": [ROW | changes]}


def _essay(**changes: Any) -> dict[str, Any]:
    return _row(essays=[essay_row(0, **changes)])


@pytest.mark.parametrize(
    "params",
    [
        pytest.param(_row(internal_status="processing"), id="client-status"),
        pytest.param(_row(overall_status="processing"), id="what-ras-derives"),
        pytest.param(_row(current_phase=None), id="phase"),
        pytest.param(_row(batch_id=BATCH_IDS[0].upper()), id="upper-case-id"),
        pytest.param(_row(essay_count="3"), id="count-as-text"),
        pytest.param(_row(essay_count=-1), id="negative-count"),
        pytest.param(_row(created_at="2026-02-30T00:00:00"), id="impossible-date"),
        pytest.param(_row(created_at=None), id="no-date"),
        pytest.param(_row(essays=None), id="essays-null"),
        pytest.param(_essay(spellcheck_status="done"), id="essay-status"),
        pytest.param(_essay(cj_rank=0), id="rank-0"),
        pytest.param(_essay(user_id=TEACHER), id="unknown-param-of-an-essay"),
        pytest.param({"user_id": "", "batches": []}, id="empty-user"),
        pytest.param({"user_id": TEACHER, "batches": [], "total": 0}, id="unknown-param"),
    ],
)
def test_refused_batches(params: dict[str, Any]) -> None:
    """A row that RAS could not hold is refused."""
    with pytest.raises(ValidationError):
        states.validate_params(RAS, states.USER_HAS_BATCHES, params)


@pytest.mark.parametrize(
    "classes",
    [
        pytest.param({"not-a-uuid": None}, id="id"),
        pytest.param({BATCH_IDS[0]: {}}, id="empty-class"),
        pytest.param({BATCH_IDS[0]: SWEDISH_CLASS | {"class_id": "SA24B"}}, id="class-id"),
        pytest.param([BATCH_IDS[0]], id="list"),
    ],
)
def test_refused_classes(classes: object) -> None:
    """A class that CMS could not hold is refused."""
    with pytest.raises(ValidationError):
        states.validate_params(CMS, states.BATCHES_HAVE_CLASSES, {"classes": classes})


def test_params_are_read_as_they_are() -> None:
    """Valid params become the model, and dump to what they were."""
    params = states.validate_params(RAS, states.USER_HAS_BATCHES, _row())

    assert params.model_dump(mode="json") == _row()


@pytest.mark.parametrize(
    ("provider", "name", "known"),
    [
        pytest.param(CMS, states.BATCH_MISSING, ", ".join(map(repr, states.KINDS)), id="of-another-provider"),
        pytest.param(RAS, "no", f"{states.USER_HAS_BATCHES!r}, {states.BATCH_MISSING!r}", id="of-several"),
        pytest.param("another-service", states.BATCH_MISSING, "none", id="unknown-provider"),
    ],
)
def test_unknown_state(provider: str, name: str, known: str) -> None:
    """A state that the provider does not have is an error that lists the ones it has."""
    with pytest.raises(LookupError, match=f"{provider} has no provider state '{name}'; known: {known}$"):
        states.find_state(provider, name)
