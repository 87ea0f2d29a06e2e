"""Models for a test in a line each."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from pydantic import ValidationError

from bff_clients import BatchClientStatus, PersonName
from bff_clients.testing import make_batch, make_batch_details, make_essay, make_page, make_student_name
from tests.support.golden import Golden


def test_a_field_that_matters_is_named_and_the_others_are_there() -> None:
    batch = make_batch(
        overall_status=BatchClientStatus.READY, batch_id=UUID(int=7), created_at=datetime(2026, 1, 1, tzinfo=UTC)
    )

    assert (batch.overall_status, batch.batch_id) == ("ready", str(UUID(int=7)))
    assert make_batch(1) == make_batch(1) != make_batch(2)


def test_essays_and_pages_are_counted() -> None:
    assert make_batch_details(1, make_essay(1), make_essay(2)).essay_count == 2
    assert make_page(make_batch(1), make_batch(2), offset=4).pagination.total == 6


def test_a_student_is_named_in_a_line() -> None:
    name = make_student_name(3, "Bo", "Ek")

    assert name.student_person_name == PersonName(first_name="Bo", last_name="Ek", legal_full_name="Bo Ek")
    assert name.essay_id == make_essay(3).essay_id != make_student_name().essay_id


def test_a_misspelled_field_is_rejected_with_the_known_ones(golden: Golden) -> None:
    with pytest.raises(TypeError) as refused:
        make_batch(stats="ready")

    golden.check(str(refused.value))


def test_a_value_that_a_batch_cannot_have_is_refused() -> None:
    with pytest.raises(ValidationError):
        make_batch(overall_status="new")


def test_essays_in_the_place_of_the_number_are_refused() -> None:
    with pytest.raises(TypeError, match="Essay"):
        make_batch_details(make_essay())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
