"""The fail-fast validators read like Pydantic, and report the place of the first mistake."""

import copy
import json
import pickle
import threading
from enum import IntEnum
from typing import Annotated, Any, Final, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import FailFast, Field, TypeAdapter, ValidationError, model_validator

from bff_clients._fail_fast import MistakeError, TooManyEntriesError, fail_fast
from bff_clients.models import (
    AnswerModel,
    BatchDetails,
    BatchPage,
    ClassInfo,
    Essay,
    Integer,
    ValidationStatus,
)
from tests.support.platform import BATCH, recorded
from tests.support.ras_pages import page, row

PAGE: Final[TypeAdapter[Any]] = TypeAdapter(BatchPage)
DETAILS: Final[TypeAdapter[Any]] = TypeAdapter(BatchDetails)
CLASSES: Final[TypeAdapter[Any]] = TypeAdapter(dict[str, ClassInfo | None])
VALIDATIONS: Final[TypeAdapter[Any]] = TypeAdapter(dict[str, ValidationStatus | None])


class Leaf(AnswerModel):
    number: Integer = 7


class Twig(AnswerModel):
    length: Integer


class Bud(AnswerModel):
    size: Integer


class Fruit(AnswerModel):
    weight: Integer


class Tree(AnswerModel):
    """A model with defaults, with another that it holds twice, and with one that it holds once."""

    left: Leaf
    right: Leaf | None = None
    twig: Twig | None = None
    buds: Annotated[tuple[Bud, ...], Field(strict=False)] = ()
    fruits: dict[str, Fruit] = Field(default_factory=dict[str, Fruit])


TREES: Final[TypeAdapter[Any]] = TypeAdapter(Annotated[list[Tree], FailFast()])


class Size(IntEnum):
    SMALL = 1


class Unusual(AnswerModel, extra="allow"):
    """Features that no model of the clients has: extra members, an enum of numbers, model validators."""

    size: Size = Size.SMALL
    even: int = 0

    @model_validator(mode="after")
    def _is_even(self) -> Self:
        if self.even % 2:
            message = "not even"
            raise ValueError(message)
        return self


class Checked(AnswerModel):
    odd: int

    def model_post_init(self, _: object) -> None:
        if self.odd % 2 == 0:
            message = "not odd"
            raise ValueError(message)


UNUSUAL: Final[TypeAdapter[Any]] = TypeAdapter(Unusual)
CHECKED: Final[TypeAdapter[Any]] = TypeAdapter(Checked)


def rows(*changed: dict[str, Any]) -> bytes:
    return json.dumps(page(*(row(**changes) for changes in changed))).encode()


def details(**changes: Any) -> bytes:
    return json.dumps({**json.loads(recorded("ras_batch_status_completed_with_failures").body), **changes}).encode()


@pytest.mark.parametrize(
    ("adapter", "body"),
    [
        pytest.param(PAGE, recorded("ras_user_batches_all_statuses").body, id="page"),
        pytest.param(PAGE, rows({"current_phase": "new"}, {"current_phase": "nlp"}), id="phases"),
        pytest.param(DETAILS, details(), id="details"),
        pytest.param(CLASSES, recorded("cms_class_info_mixed").body, id="classes"),
        pytest.param(
            TREES, b'[{"left":{}},{"left":{"number":1},"right":{"number":2},"twig":{"length":3}}]', id="defaults"
        ),
        pytest.param(UNUSUAL, b'{"size":1,"even":2,"more":[1]}', id="unusual"),
        pytest.param(CHECKED, b'{"odd":1}', id="checked"),
    ],
)
def test_a_good_body_is_read_as_pydantic_reads_it(adapter: TypeAdapter[Any], body: bytes) -> None:
    expected = adapter.validate_json(body)
    found = fail_fast(adapter).validate_json(body, most=100)

    assert found == expected
    assert repr(found) == repr(expected)
    assert adapter.dump_json(found, exclude_unset=True) == adapter.dump_json(expected, exclude_unset=True)
    assert pickle.loads(pickle.dumps(found)) == copy.deepcopy(found) == expected  # noqa: S301


@pytest.mark.parametrize(
    ("adapter", "body", "mistake"),
    [
        pytest.param(PAGE, b"[]", "body: invalid", id="body"),
        pytest.param(PAGE, b"{}", "batches: missing", id="missing"),
        pytest.param(PAGE, b'{"batches":{}}', "batches: invalid", id="no-list"),
        pytest.param(PAGE, rows({}, {}, {"batch_id": 1}), "batches.2.batch_id: invalid", id="value"),
        pytest.param(PAGE, b'{"batches":[{"user_id":"x"}]}', "batches.0.batch_id: missing", id="missing-in-a-row"),
        pytest.param(PAGE, b'{"batches":[1]}', "batches.0: invalid", id="no-row"),
        pytest.param(PAGE, rows({"overall_status": "new"}), "batches.0.overall_status: invalid", id="status"),
        pytest.param(PAGE, rows({"overall_status": []}), "batches.0.overall_status: invalid", id="no-status"),
        pytest.param(PAGE, rows({"current_phase": []}), "batches.0.current_phase: invalid", id="no-phase"),
        pytest.param(
            PAGE, b'{"batches":[],"pagination":{"limit":1,"offset":1}}', "pagination.total: missing", id="nested"
        ),
        pytest.param(DETAILS, details(essays=[{}]), "essays.0.essay_id: missing", id="essay"),
        pytest.param(CLASSES, b'{"a-key":{"class_id":"x"}}', "*.class_id: invalid", id="entry"),
        pytest.param(VALIDATIONS, b'{"a-key":[]}', "*: invalid", id="no-entry"),
        pytest.param(TREES, b'[{"left":{"number":"x"}}]', "*.number: invalid", id="value-for-a-default"),
        pytest.param(TREES, b"[{}]", "0.left: missing", id="missing-beside-a-default"),
        pytest.param(TREES, b'[{"left":{},"twig":{"length":"x"}}]', "0.twig.length: invalid", id="below-a-default"),
        pytest.param(
            TREES, b'[{"left":{},"buds":[{"size":1},{"size":"x"}]}]', "0.buds.*.size: invalid", id="inner-list"
        ),
        pytest.param(TREES, b'[{"left":{},"fruits":{"a":{}}}]', "0.fruits.*.weight: missing", id="inner-map"),
        pytest.param(UNUSUAL, b'{"even":1}', "body: invalid", id="check-of-the-whole"),
        pytest.param(UNUSUAL, b'{"size":2}', "size: invalid", id="number-of-no-enumeration"),
        pytest.param(CHECKED, b'{"odd":2}', "body: invalid", id="check-at-the-end"),
    ],
)
def test_the_first_mistake_has_a_place(adapter: TypeAdapter[Any], body: bytes, mistake: str) -> None:
    with pytest.raises(MistakeError) as caught:
        fail_fast(adapter).validate_json(body, most=10)

    assert str(caught.value) == mistake


VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([BATCH, "ready", "nlp"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(name=st.sampled_from([*BatchDetails.model_fields, *Essay.model_fields]), value=VALUES)
def test_what_pydantic_refuses_is_refused(name: str, value: Any) -> None:
    essay = json.loads(details())["essays"][0]
    body = details(**{name: value}) if name in BatchDetails.model_fields else details(essays=[{**essay, name: value}])
    try:
        expected = DETAILS.validate_json(body)
    except ValidationError:
        with pytest.raises(MistakeError):
            fail_fast(DETAILS).validate_json(body, most=100)
    else:
        assert fail_fast(DETAILS).validate_json(body, most=100) == expected


def test_too_many_rows_are_not_taken_for_a_mistake() -> None:
    with pytest.raises(TooManyEntriesError):
        fail_fast(PAGE).validate_json(rows({}, {}, {}), most=2)


def test_a_mistake_behind_as_many_rows_as_there_may_be_is_one() -> None:
    body = json.dumps({"batches": [row(), row()]}).encode()

    with pytest.raises(MistakeError, match="pagination: missing"):
        fail_fast(PAGE).validate_json(body, most=2)


def test_invalid_json_is_reported_by_pydantic() -> None:
    with pytest.raises(ValidationError, match="json_invalid"):
        fail_fast(PAGE).validate_json(b"{", most=100)


def test_a_mistake_belongs_to_one_validation() -> None:
    found: list[str] = []

    def read(body: bytes) -> None:
        with pytest.raises(MistakeError) as caught:
            fail_fast(PAGE).validate_json(body, most=100)
        found.append(str(caught.value))

    bodies = (b"{}", b"[]", b'{"batches":[]}')
    for body in bodies:
        read(body)
    other = threading.Thread(target=read, args=(b"[]",))
    other.start()
    other.join()

    assert found == ["batches: missing", "body: invalid", "pagination: missing", "body: invalid"]
