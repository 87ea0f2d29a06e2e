"""What a change of the contract means for a provider: seeded changes, and the verdict on each."""

import json
from typing import Any

import pytest

from tests.contracts.comparison.editing import (
    CLASSES,
    CMS,
    FIRST,
    INTEGER,
    MISSING,
    NULL,
    NUMBER,
    PAGE,
    RAS,
    STATUS,
    TYPE,
    Edit,
    Json,
    body,
    changes,
    document,
    edited,
    matchers,
    regex,
    ruled,
    rules,
)
from tests.support.golden import Golden


def without(path: str, *keys: str) -> Edit:
    """Without a field, its rule, and its example."""

    def edit(each: Json) -> None:
        del rules(each)[path]
        holder = body(each)
        for key in keys[:-1]:
            holder = holder[int(key) if key.isdigit() else key]
        del holder[keys[-1]]

    return edit


def query_ruled(name: str, pattern: str) -> Edit:
    return lambda each: each["request"]["matchingRules"]["query"].update({name: matchers(regex(pattern))})


def header_dropped(each: Json) -> None:
    del each["request"]["headers"]["X-Correlation-ID"]
    del each["request"]["matchingRules"]["header"]["X-Correlation-ID"]


def parameter_dropped(each: Json) -> None:
    del each["request"]["query"]["offset"]
    del each["request"]["matchingRules"]["query"]["offset"]


def one_of(*words: str) -> Json:
    return matchers(regex(f"^(?:{'|'.join(words)})$"))


STATUSES = [
    "pending_content",
    "ready",
    "processing",
    "completed_successfully",
    "completed_with_failures",
    "failed",
    "cancelled",
]


def seeded(name: str, description: str, edit: Edit, verdict: str, shown: str, *, called: str) -> Any:
    """A row: an edit of an interaction, the verdict, and a text in the examples."""
    return pytest.param(name, description, edit, verdict, shown, id=called)


SEEDED = [
    # Responses
    seeded(RAS, STATUS, without("$.user_id", "user_id"), "looser", "no body.user_id", called="field-not-read-any-more"),
    seeded(
        RAS, STATUS, lambda each: body(each).update(colour="red"), "stricter", "no body.colour", called="field-demanded"
    ),
    seeded(
        RAS,
        STATUS,
        ruled("$.assignment_id", matchers(TYPE)),
        "stricter",
        "body.assignment_id = null",
        called="null-forbidden",
    ),
    seeded(
        RAS,
        STATUS,
        ruled("$.essay_count", matchers(NULL, INTEGER, combine="OR")),
        "looser",
        "= null",
        called="null-allowed",
    ),
    seeded(
        RAS,
        STATUS,
        ruled("$.overall_status", one_of(*STATUSES, "archived")),
        "looser",
        '= "archived"',
        called="word-more",
    ),
    seeded(
        RAS, STATUS, ruled("$.overall_status", one_of(*STATUSES[:-1])), "stricter", '= "cancelled"', called="word-less"
    ),
    seeded(
        RAS,
        STATUS,
        ruled("$.overall_status", one_of(*reversed(STATUSES))),
        "equivalent",
        "",
        called="words-in-another-order",
    ),
    seeded(
        RAS,
        STATUS,
        ruled("$.essay_count", matchers(NUMBER)),
        "looser",
        "body.essay_count = 3.5",
        called="integer-to-number",
    ),
    seeded(
        RAS,
        STATUS,
        lambda each: (
            rules(each).update({"$.essays[*].cj_score": matchers(NULL, INTEGER, combine="OR")}),
            body(each)["essays"][0].update(cj_score=1),
        ),
        "stricter",
        "body.essays[0].cj_score = ",
        called="number-to-integer",
    ),
    seeded(
        RAS,
        STATUS,
        ruled("$.user_id", matchers({"match": "equality"})),
        "stricter",
        "body.user_id",
        called="type-to-literal",
    ),
    seeded(RAS, STATUS, ruled("$.batch_id", matchers(TYPE)), "looser", "body.batch_id =", called="literal-to-type"),
    seeded(
        RAS,
        PAGE,
        ruled("$.batches", matchers({"match": "type", "min": 1})),
        "stricter",
        "body.batches = []",
        called="never-empty",
    ),
    seeded(
        RAS,
        STATUS,
        ruled("$.created_at", matchers(regex(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3}(?:\d{3})?)?$"))),
        "stricter",
        "body.created_at = ",
        called="no-offset",
    ),
    seeded(
        RAS, STATUS, lambda each: body(each).update(assignment_id="Another"), "equivalent", "", called="another-example"
    ),
    seeded(
        RAS,
        MISSING,
        lambda each: each["response"].update(status=410),
        "stricter",
        "the old example ($.status: ",
        called="status",
    ),
    seeded(
        RAS,
        MISSING,
        lambda each: body(each).update(error="Gone"),
        "stricter",
        "the old example ($.body.error: ",
        called="words-of-an-error",
    ),
    seeded(RAS, MISSING, lambda each: each["response"].pop("body"), "looser", "no body", called="no-body"),
    seeded(
        RAS,
        MISSING,
        lambda each: each["response"]["headers"].update({"Content-Type": ["application/problem+json"]}),
        "stricter",
        "the old example ($.headers['content-type'].type: ",
        called="content-type",
    ),
    seeded(
        CMS,
        CLASSES,
        lambda each: body(each)[FIRST].pop("class_id"),
        "looser",
        f"no body.{FIRST}.class_id",
        called="pinned-less",
    ),
    seeded(CMS, CLASSES, lambda each: each.update(pending=True, key="k"), "equivalent", "", called="metadata"),
    # Requests
    seeded(
        RAS,
        PAGE,
        query_ruled("limit", "^(?:[1-9][0-9]?|1[0-9][0-9]|200)$"),
        "stricter",
        "query.limit[0] = ",
        called="wider",
    ),
    seeded(
        RAS, PAGE, query_ruled("limit", "^(?:[1-9]|[1-4][0-9]|50)$"), "looser", "query.limit[0] = ", called="narrower"
    ),
    seeded(RAS, PAGE, parameter_dropped, "stricter", "the new example", called="parameter-not-sent-any-more"),
    seeded(
        RAS,
        PAGE,
        lambda each: each["request"]["query"].update(sort=["name"]),
        "stricter",
        "new example",
        called="new-parameter",
    ),
    seeded(RAS, PAGE, header_dropped, "stricter", "the new example", called="header-not-sent-any-more"),
    seeded(
        RAS,
        PAGE,
        lambda each: each["request"]["headers"].update({"X-New": ["1"]}),
        "looser",
        "headers.x-new",
        called="new-header",
    ),
    seeded(
        CMS,
        CLASSES,
        lambda each: each["request"].update(path="/internal/v2/class-info"),
        "stricter",
        "the new example ($.path: ",
        called="path",
    ),
    seeded(
        CMS,
        CLASSES,
        lambda each: each["request"].update(method="POST"),
        "stricter",
        "the new example ($.method: ",
        called="method",
    ),
    # Data
    seeded(
        CMS,
        CLASSES,
        lambda each: each["providerStates"][0]["params"]["classes"].update({FIRST: None}),
        "stricter",
        "and with them the data of the response",
        called="other-params",
    ),
]


@pytest.mark.parametrize(("name", "description", "edit", "verdict", "shown"), SEEDED)
def test_a_change_of_an_interaction(name: str, description: str, edit: Edit, verdict: str, shown: str) -> None:
    found = changes(*edited(name, description, edit))

    if verdict == "equivalent":
        assert found == []
    else:
        (change,) = found
        assert (change.name, change.verdict) == (description, verdict), change.examples
        assert any(shown in example for example in change.examples), change.examples


@pytest.mark.parametrize("name", [RAS, CMS])
def test_a_contract_is_equivalent_to_itself(name: str) -> None:
    assert changes(document(name), document(name)) == []


@pytest.mark.parametrize(("name", "description", "edit", "verdict", "shown"), SEEDED)
def test_backwards_a_change_means_the_opposite(
    name: str, description: str, edit: Edit, verdict: str, shown: str
) -> None:
    """A looser change reversed is stricter; a stricter one may be stricter both ways."""
    del shown
    old, new = edited(name, description, edit)
    back = {change.verdict.value for change in changes(new, old)}

    assert back <= {"looser": {"stricter"}, "equivalent": set[str]()}.get(verdict, {"looser", "stricter"})
    assert bool(back) == (verdict != "equivalent")


def test_interactions_that_come_and_go() -> None:
    old, new = edited(CMS, CLASSES, lambda each: each.update(description="classes: of all"))

    assert {(change.name, change.verdict.value) for change in changes(old, new)} == {
        ("classes: of all", "new"),
        (CLASSES, "removed"),
    }


def test_states_that_come_and_go() -> None:
    old = document(CMS)
    new = json.loads(json.dumps(old).replace("batches have exactly these classes", "classes are these"))
    found = [(change.what, change.name, change.verdict.value) for change in changes(old, new)]

    assert found[:2] == [
        ("provider state", "batches have exactly these classes", "removed"),
        ("provider state", "classes are these", "new"),
    ]


def test_params_that_come_and_go(golden: Golden) -> None:
    old = document(CMS)
    new = json.loads(json.dumps(old).replace('"params": {"classes"', '"params": {"school": 1, "rows"'))
    first = changes(old, new)[0]

    assert (first.what, first.verdict.value) == ("provider state", "stricter")
    golden.check("\n".join(first.examples))
