"""The catalogue of provider states: what it says, and what it refuses."""

from typing import Any, get_args

import pytest
from pydantic import ValidationError

from bff_clients import BatchStatus
from bff_clients.models import DATE_TIME_PATTERN, UUID_PATTERN, EssayStatus
from bff_contracts import platform, states
from bff_contracts.platform import CMS, RAS
from tests.consumer.rows import ENGLISH_CLASS, SWEDISH_CLASS, TEACHER, batch_row, essay_row, ids_of
from tests.support.golden import Golden

BATCH_IDS = ids_of("states", 2)
STATUS = BatchStatus.PROCESSING_PIPELINES
ROW = batch_row(BATCH_IDS[0], STATUS, essays=[essay_row("essay-0")])


def test_vocabularies_are_the_clients() -> None:
    """States and clients speak of the same statuses and forms, though neither imports the other."""
    assert set(get_args(states.InternalStatus)) == {status.value for status in BatchStatus}
    assert set(get_args(states.PhaseStatus)) == set(get_args(EssayStatus))
    assert (platform.UUID_PATTERN, platform.DATE_TIME_PATTERN) == (UUID_PATTERN, DATE_TIME_PATTERN)


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
    return _row(essays=[essay_row("essay-0", **changes)])


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
        pytest.param(_row(essay_count=2**31), id="count-beyond-a-column"),
        pytest.param(_row(essay_count=3, completed_essay_count=2, failed_essay_count=2), id="more-done-than-there-are"),
        pytest.param(_row(essay_count=0), id="more-essays-than-there-are"),
        pytest.param(_row(processing_completed_at="2026-01-31T09:00:00"), id="ended-and-never-begun"),
        pytest.param(
            _row(processing_started_at="2026-01-31T09:00:01", processing_completed_at="2026-01-31T09:00:00"),
            id="ended-before-it-began",
        ),
        pytest.param(
            _row(processing_started_at="2026-01-31T09:00:00", processing_completed_at="2026-01-31T09:59:00+01:00"),
            id="ended-before-with-an-offset",
        ),
        pytest.param(_row(essays=[essay_row("essay-0"), essay_row("essay-0")]), id="one-essay-twice"),
        pytest.param({"user_id": TEACHER, "batches": [ROW, batch_row(BATCH_IDS[0], STATUS)]}, id="one-batch-twice"),
        pytest.param(
            {"user_id": TEACHER, "batches": [ROW, ROW | {"batch_id": BATCH_IDS[1]}]}, id="essay-of-two-batches"
        ),
        pytest.param(_row(assignment_id="a\0b"), id="nul"),
        pytest.param(_row(assignment_id="a" * 256), id="longer-than-a-column"),
        pytest.param(_essay(filename="a\0b"), id="nul-of-an-essay"),
        pytest.param(_essay(cj_score=float("nan")), id="score-that-is-no-number"),
        pytest.param({"user_id": "\0", "batches": []}, id="nul-user"),
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
        pytest.param(
            {BATCH_IDS[0]: SWEDISH_CLASS, BATCH_IDS[1]: SWEDISH_CLASS | {"class_name": "SA24B"}}, id="two-names"
        ),
        pytest.param({BATCH_IDS[0]: SWEDISH_CLASS | {"class_name": "a\0b"}}, id="nul"),
    ],
)
def test_refused_classes(classes: object) -> None:
    """A class that CMS could not hold is refused."""
    with pytest.raises(ValidationError):
        states.validate_params(CMS, states.BATCHES_HAVE_CLASSES, {"classes": classes})


@pytest.mark.parametrize(
    "classes",
    [
        pytest.param(dict.fromkeys(BATCH_IDS, SWEDISH_CLASS), id="one-class-of-two-batches"),
        pytest.param(
            {BATCH_IDS[0]: SWEDISH_CLASS, BATCH_IDS[1]: ENGLISH_CLASS | {"class_name": SWEDISH_CLASS["class_name"]}},
            id="one-name-of-two-classes",
        ),
        pytest.param({BATCH_IDS[0]: SWEDISH_CLASS | {"class_name": ""}}, id="empty-name"),
    ],
)
def test_accepted_classes(classes: dict[str, Any]) -> None:
    """A class has one name, and any number of batches."""
    params = states.validate_params(CMS, states.BATCHES_HAVE_CLASSES, {"classes": classes})

    assert params.model_dump() == {"classes": classes}


def _validation(pending: int, confirmed: int, total: int, deadline: str | None) -> dict[str, Any]:
    row = {"deviation_count": pending, "confirmed_associations": confirmed, "total_associations": total}
    return {"validations": {BATCH_IDS[0]: row | {"auto_confirm_deadline": deadline}}}


DEADLINE = "2026-02-01T08:15:30"


@pytest.mark.parametrize(
    "params",
    [
        pytest.param(_validation(2, 23, 25, DEADLINE), id="under-way"),
        pytest.param(_validation(25, 0, 25, DEADLINE), id="begun"),
        pytest.param(_validation(0, 25, 25, None), id="through"),
        pytest.param(_validation(0, 0, 1, None), id="all-rejected"),
        pytest.param({"validations": {BATCH_IDS[0]: None}}, id="none"),
    ],
)
def test_accepted_validations(params: dict[str, Any]) -> None:
    """Rows that can result from associations."""
    assert states.validate_params(CMS, states.BATCHES_HAVE_VALIDATIONS, params).model_dump() == params


@pytest.mark.parametrize(
    "params",
    [
        pytest.param(_validation(1, 23, 25, None), id="pending-without-a-deadline"),
        pytest.param(_validation(0, 25, 25, DEADLINE), id="a-deadline-of-nothing"),
        pytest.param(_validation(0, 26, 25, None), id="more-confirmed-than-there-are"),
        pytest.param(_validation(26, 0, 25, DEADLINE), id="more-pending-than-there-are"),
        pytest.param(_validation(2, 24, 25, DEADLINE), id="more-together-than-there-are"),
        pytest.param(_validation(0, 0, 0, None), id="no-associations"),
    ],
)
def test_refused_validations(params: dict[str, Any]) -> None:
    """Rows that cannot result from associations."""
    with pytest.raises(ValidationError):
        states.validate_params(CMS, states.BATCHES_HAVE_VALIDATIONS, params)


def _names(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"student_names": {BATCH_IDS[0]: list(rows), BATCH_IDS[1]: []}}


def _called(number: int, student: int, first_name: str = "Åsa", full_name: Any = None, **more: Any) -> dict[str, Any]:
    name = {"first_name": first_name, "last_name": "Öberg", "legal_full_name": full_name}
    ids = {"essay_id": ids_of("essays", 9)[number], "student_id": ids_of("students", 9)[student]}
    return {**ids, "student_person_name": name, **more}


@pytest.mark.parametrize(
    "params",
    [
        pytest.param(_names(), id="none"),
        pytest.param(_names(_called(1, 1), _called(2, 1)), id="two-essays"),
        pytest.param(_names(_called(1, 1), _called(2, 2)), id="namesakes"),
        pytest.param(_names(_called(1, 1, "", "a" * 512)), id="as-long-as-a-column"),
    ],
)
def test_accepted_names(params: dict[str, Any]) -> None:
    """A student has one name, and any number of essays."""
    read = states.validate_params(CMS, states.BATCHES_HAVE_STUDENT_NAMES, params)

    assert read.model_dump(mode="json") == params


@pytest.mark.parametrize(
    "params",
    [
        pytest.param(_names(_called(1, 1), _called(1, 2)), id="essay-of-two-students"),
        pytest.param({"student_names": {one: [_called(1, 1)] for one in BATCH_IDS}}, id="essay-of-two-batches"),
        pytest.param(_names(_called(1, 1), _called(2, 1, "Bo")), id="two-names"),
        pytest.param(_names(_called(1, 1, "a" * 256)), id="longer-than-a-column"),
        pytest.param(_names(_called(1, 1, "Åsa", "a" * 513)), id="full-name-longer-than-a-column"),
        pytest.param(_names(_called(1, 1, "a\0b")), id="nul"),
        pytest.param(_names(_called(1, 1, "Åsa", 7)), id="number"),
        pytest.param(_names(_called(1, 1, essay_id="essay-0")), id="no-uuid"),
        pytest.param(_names(_called(1, 1, student_person_name="Åsa")), id="text"),
        pytest.param(_names(_called(1, 1, email="a@b")), id="unknown-param"),
        pytest.param({"student_names": {BATCH_IDS[0]: None}}, id="null"),
    ],
)
def test_refused_names(params: dict[str, Any]) -> None:
    """Associations that CMS could not hold are refused, and no name is in the refusal."""
    with pytest.raises(ValidationError) as caught:
        states.validate_params(CMS, states.BATCHES_HAVE_STUDENT_NAMES, params)

    assert "Öberg" not in str([error["msg"] for error in caught.value.errors()])


def test_params_are_read_as_they_are() -> None:
    """Valid params become the model, and dump to the same params."""
    params = states.validate_params(RAS, states.USER_HAS_BATCHES, _row())

    assert params.model_dump(mode="json") == _row()


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        pytest.param(CMS, states.BATCH_MISSING, id="of-another-provider"),
        pytest.param(RAS, "no", id="of-several"),
        pytest.param("another-service", states.BATCH_MISSING, id="unknown-provider"),
    ],
)
def test_unknown_state(provider: str, name: str, golden: Golden) -> None:
    """A state that the provider does not have is an error that lists the ones it has."""
    with pytest.raises(LookupError) as refused:
        states.find_state(provider, name)

    golden.check(str(refused.value))
