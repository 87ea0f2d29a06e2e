"""The intended differences between client, mock and engine: each row of the table in docs/agreement.md."""

import json
from pathlib import Path

import pytest

from bff_clients import ContractViolation
from bff_contracts.pact.file import shipped_pacts
from tests.agreement.matching import contests, matches
from tests.agreement.operations import READING, Operation
from tests.agreement.reading import Request, read, verdict
from tests.agreement.requests import Wire
from tests.support.exchanges import recorded

PAGE = Path(__file__).parents[2] / "docs" / "agreement.md"
LIST, STATUS, CLASSES = (
    next(one for one in READING if one.name == name)
    for name in ("get_batches_for_user", "get_batch_status", "get_batch_class_info")
)
ID = "26b9045a-e947-5833-ab3e-161507389763"
DEEP = "[" * 150 + "]" * 150

READ = ("allowed", "a model")
BODIES: dict[str, tuple[Operation, str, str, str, str]] = {
    "an extra field": (LIST, '"batches": [{', '"batches": [{"surprise": 1, ', "allowed", "a model"),
    "`essays` in a list": (LIST, '"essays": []', '"essays": 5', "allowed", "a model"),
    "`student_prompt_ref`": (STATUS, '"student_prompt_ref": {', '"student_prompt_ref": 5, "x": {', *READ),
    "an `…_error_detail`": (
        STATUS, '"cj_assessment_error_detail": null', '"cj_assessment_error_detail": 5', "allowed", "a model",
    ),
    "an extra id": (CLASSES, "{", f'{{"{ID.replace("2", "3")}": null, ', "excepted", "a model"),
    "an extra id that is no class": (CLASSES, "{", '{"surprise": 1, ', "excepted", "a violation"),
    "the wrong page": (LIST, '"limit": 20', '"limit": 21', "allowed", "a violation"),
    "`-0` for a whole number": (LIST, '"offset": 0', '"offset": -0', "forbidden", "a model"),
    "`1e400` in an extra field": (LIST, '"batches": [{', '"batches": [{"x": 1e400, ', "forbidden", "a model"),
    "a field twice, first of a wrong type": (LIST, '"total"', '"total": "x", "total"', "allowed", "a violation"),
    "an extra field, 150 levels deep": (LIST, '"batches": [{', f'"batches": [{{"x": {DEEP}, ', "forbidden", "a model"),
}  # fmt: skip
"""What the body is, the method that reads it, what is changed in a recorded one, the verdict, what the client gives."""

RECORDED = {
    LIST: "ras_user_batches_all_statuses",
    STATUS: "ras_batch_status_completed_with_failures",
    CLASSES: "cms_class_info_mixed",
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_an_exception(name: str) -> None:
    operation, old, new, said, given = BODIES[name]
    exchange = recorded(RECORDED[operation])
    path = exchange.target.partition("?")[0]
    # The recorded page was asked for by its user alone; the client names the page too.
    target = exchange.target if operation is not LIST else f"{path}?limit=20&offset=0"
    arguments = operation.arguments_for(target)
    text = json.dumps(json.loads(exchange.body), ensure_ascii=False)
    changed = text.replace(old, new, 1)

    assert changed != text
    assert verdict(operation, Request(path, {}, exchange.target), changed) == said
    assert isinstance(read(operation, arguments or {}, changed), ContractViolation) == (given == "a violation")


def test_a_header_on_two_lines_is_two_values_to_the_mock_as_well() -> None:
    headers = [("X-Internal-API-Key", "a"), ("X-Internal-API-Key", "b"), ("X-Service-ID", "bff-teacher-service")]
    wire = Wire("GET", f"/internal/v1/batches/{ID}/status", (), (*headers, ("X-Correlation-ID", ID)))
    with contests(shipped_pacts()) as known:
        contest = next(one for one in known if one.interaction.description == "batch status: a batch")

        assert contest.official.accepts(wire.method, wire.target, wire.headers)
        assert matches(contest.table, wire)


def test_the_page_names_exactly_these() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("| what |")[2]
    rows = [line.split("|")[1].strip() for line in table.splitlines() if line[:2] == "| "]

    assert rows == [*BODIES]
