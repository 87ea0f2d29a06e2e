"""Bodies are read as Pydantic alone reads them, and a wrong one is reported with the place of its first mistake."""

import copy
import json
import pickle
from typing import Annotated, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter, ValidationError

from bff_clients._decoding import Body, Broken
from bff_clients.models import AnswerModel, BatchDetails, BatchPage, ClassInfo, Essay, Integer, StudentName
from bff_clients.testing import make_student_name
from tests.support.platform import BATCH, recorded
from tests.support.ras_pages import page, row


class Leaf(AnswerModel):
    number: Integer = 7


class Bud(AnswerModel):
    size: Integer


class Tree(AnswerModel):
    """A model with defaults, with another that it holds twice, and with lists and maps of others."""

    left: Leaf
    right: Leaf | None = None
    buds: Annotated[tuple[Bud, ...], Field(strict=False)] = ()
    fruits: dict[str, Bud] = Field(default_factory=dict[str, Bud])


KINDS: Final[dict[str, tuple[Any, str | None]]] = {
    "page": (BatchPage, "batches"),
    "details": (BatchDetails, "essays"),
    "classes": (dict[str, ClassInfo | None], None),
    "names": (list[StudentName], None),
    "trees": (list[Tree], None),
}
BODIES: Final[dict[str, Body[Any]]] = {name: Body(kind, entries=entries) for name, (kind, entries) in KINDS.items()}
ADAPTERS: Final[dict[str, TypeAdapter[Any]]] = {name: TypeAdapter(kind) for name, (kind, _) in KINDS.items()}

NAMES: Final = json.dumps([make_student_name(number).model_dump() for number in range(3)]).encode()
LARGE: Final = b" " * 2048
"""Space behind a body, so that only its first mistake is reported."""


def rows(*changed: dict[str, Any]) -> bytes:
    return json.dumps(page(*(row(**changes) for changes in changed))).encode()


def details(**changes: Any) -> bytes:
    return json.dumps({**json.loads(recorded("ras_batch_status_completed_with_failures").body), **changes}).encode()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        pytest.param("page", recorded("ras_user_batches_all_statuses").body, id="page"),
        pytest.param("page", rows({"current_phase": "new"}, {"current_phase": "nlp"}), id="phases"),
        pytest.param("details", details(), id="details"),
        pytest.param("classes", recorded("cms_class_info_mixed").body, id="classes"),
        pytest.param(
            "classes", b'{"a":null,"a":{"class_id":"%b","class_name":"\\u00e5"}}' % BATCH.encode(), id="twice"
        ),
        pytest.param("names", NAMES, id="names"),
        pytest.param(
            "trees",
            b'[{"left":{"number":1},"right":{"number":2},"buds":[{"size":3}],"fruits":{"a":{"size":4}}}]',
            id="tree",
        ),
    ],
)
def test_a_good_body_is_read_as_pydantic_reads_it(kind: str, body: bytes) -> None:
    expected = ADAPTERS[kind].validate_json(body)
    found = BODIES[kind].read(body, most=100)

    assert found == expected
    assert repr(found) == repr(expected)
    assert pickle.loads(pickle.dumps(found)) == copy.deepcopy(found) == expected  # noqa: S301


def test_a_member_that_may_be_missing_has_its_default() -> None:
    found = BODIES["trees"].read(b'[{"left":{}}]', most=1)

    assert found == [Tree(left=Leaf(number=7), right=None, buds=(), fruits={})]


@pytest.mark.parametrize(
    ("kind", "body", "mistake"),
    [
        pytest.param("page", b"[]", "body: invalid", id="body"),
        pytest.param("page", b"{}", "batches: missing", id="missing"),
        pytest.param("page", b'{"batches":{}}', "batches: invalid", id="no-list"),
        pytest.param("page", rows({}, {}, {"batch_id": 1}), "batches.2.batch_id: invalid", id="type"),
        pytest.param("page", rows({}, {"batch_id": "1"}), "batches.1.batch_id: string_pattern_mismatch", id="pattern"),
        pytest.param("page", b'{"batches":[{"user_id":"x"}]}', "batches.0.batch_id: missing", id="missing-in-a-row"),
        pytest.param("page", b'{"batches":[1]}', "batches.0: invalid", id="no-row"),
        pytest.param("page", rows({"overall_status": "new"}), "batches.0.overall_status: enum", id="status"),
        pytest.param("page", rows({"overall_status": []}), "batches.0.overall_status: invalid", id="no-status"),
        pytest.param("page", rows({"current_phase": []}), "batches.0.current_phase: invalid", id="no-phase"),
        pytest.param("page", rows({"created_at": "2026"}), "batches.0.created_at: date_time_form", id="date-time"),
        pytest.param("page", rows({"essay_count": 2**64}), "batches.0.essay_count: less_than_equal", id="number"),
        pytest.param(
            "page", b'{"batches":[],"pagination":{"limit":1,"offset":1}}', "pagination.total: missing", id="nested"
        ),
        pytest.param("details", details(essays=[{}]), "essays.0.essay_id: missing", id="essay"),
        pytest.param("classes", b'{"a-key":{"class_id":"x"}}', "*.class_name: missing", id="entry"),
        pytest.param("classes", b'{"a-key":[]}', "*: invalid", id="no-entry"),
        pytest.param(
            "names",
            b'[{"student_person_name":{"first_name":1}}]',
            "0.student_person_name.first_name: invalid",
            id="name",
        ),
        pytest.param("trees", b'[{"left":{"number":"x"}}]', "0.left.number: invalid", id="value-for-a-default"),
        pytest.param("trees", b"[{}]", "0.left: missing", id="missing-beside-a-default"),
        pytest.param(
            "trees", b'[{"left":{},"buds":[{"size":1},{"size":"x"}]}]', "0.buds.1.size: invalid", id="inner-list"
        ),
        pytest.param("trees", b'[{"left":{},"fruits":{"a":{}}}]', "0.fruits.*.size: missing", id="inner-map"),
        pytest.param("page", b"{", "body: json_invalid", id="cut-off"),
        pytest.param("page", b'{"x":NaN}', "body: json_invalid", id="no-number"),
        pytest.param("page", b'{"x":' + b"[" * 10**5 + b"]" * 10**5 + b"}", "body: json_invalid", id="too-deep"),
        pytest.param("classes", b'{"\xff":null}', "body: json_invalid", id="no-text"),
    ],
)
def test_the_first_mistake_has_a_place(kind: str, body: bytes, mistake: str) -> None:
    assert BODIES[kind].read(body + LARGE, most=10) == Broken(f"body outside the contract: {mistake}")


def test_a_key_of_a_small_body_is_not_reported() -> None:
    found = BODIES["classes"].read(b'{"a-key":{"class_id":1,"class_name":"x"}}', most=10)

    assert found == Broken("body outside the contract: *.class_id: string_type")


def test_all_mistakes_of_a_small_body_are_reported() -> None:
    found = BODIES["page"].read(b'{"batches":[5],"pagination":{"limit":"1"}}', most=10)

    assert found == Broken(
        "body outside the contract: batches.0: model_type; pagination.limit: int_type; pagination.offset: missing;"
        " and 1 more"
    )


VALUES: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(
        [BATCH, "ready", "nlp", "2026-01-31T09:10:00", "2026-01-31T09:10:00.123+01:00", 2**63, 2**64, 1e300]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(
    name=st.sampled_from([*BatchDetails.model_fields, *Essay.model_fields, "unknown"]),
    value=VALUES,
    ascii=st.booleans(),
)
def test_pydantic_alone_accepts_and_refuses_the_same(name: str, value: Any, *, ascii: bool) -> None:  # noqa: A002
    whole = json.loads(details())
    if name in BatchDetails.model_fields:
        whole[name] = value
    else:
        whole["essays"][0][name] = value
    body = json.dumps(whole, ensure_ascii=ascii).encode("utf-8", "surrogatepass")
    found = BODIES["details"].read(body, most=100)
    try:
        expected = ADAPTERS["details"].validate_json(body)
    except ValidationError:
        assert isinstance(found, Broken)
    else:
        assert (found, repr(found)) == (expected, repr(expected))


@pytest.mark.parametrize(
    ("kind", "body"),
    [("page", rows({}, {}, {})), ("names", NAMES), ("classes", b'{"a":null,"b":null,"c":null}')],
)
def test_more_entries_than_there_can_be_are_a_violation(kind: str, body: bytes) -> None:
    entries = len(ADAPTERS[kind].validate_json(body))

    assert not isinstance(BODIES[kind].read(body, most=entries), Broken)
    assert BODIES[kind].read(body, most=entries - 1) == Broken("more entries than there can be")
