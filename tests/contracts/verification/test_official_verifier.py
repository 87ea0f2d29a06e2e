"""What the official verifier says is never taken for a pass unless it verified just that interaction."""

from typing import Any

import pytest

from bff_contracts.verification.official_verifier import Finding, first_line, only_finding
from tests.support.golden import Golden

NAME = "classes of batches: all have one"


@pytest.mark.parametrize(
    "results",
    [
        pytest.param([], id="none"),
        pytest.param([{"description": "another", "result": "OK"}], id="another"),
        pytest.param([{"description": NAME, "result": "OK"}] * 2, id="twice"),
        pytest.param([{"description": NAME, "result": "Error"}], id="no-reason"),
        pytest.param(
            [{"description": NAME, "result": "Error", "mismatch": {"type": "error", "message": "gone"}}], id="error"
        ),
    ],
)
def test_anything_but_one_verified_interaction_is_a_failure(results: list[Any], golden: Golden) -> None:
    finding = only_finding({"interactionResults": results, "errors": []}, NAME)

    assert (finding.interaction, finding.differences, len(finding.troubles)) == (NAME, (), 1)
    golden.check(finding.troubles[0])


def test_one_verified_interaction_is_a_pass() -> None:
    results = [{"description": NAME, "result": "OK"}]

    assert only_finding({"interactionResults": results, "errors": []}, NAME) == Finding(NAME)


@pytest.mark.parametrize(
    ("entry", "reported"),
    [
        pytest.param(
            {"type": "StatusMismatch", "expected": 200, "actual": 500, "mismatch": "m"},
            ("status", "200", "500"),
            id="status",
        ),
        pytest.param(
            {"type": "HeaderMismatch", "key": "Content-Type", "expected": '"a"', "actual": ""},
            ("header Content-Type", '"a"', "nothing"),
            id="header",
        ),
        pytest.param(
            {"type": "BodyTypeMismatch", "expected": "application/json", "actual": "text/html"},
            ("content type", "application/json", "text/html"),
            id="content-type",
        ),
        pytest.param(
            {"type": "BodyMismatch", "path": "$.a", "expected": '{"b":1}', "actual": ""},
            ("body $.a", '{"b":1}', "null"),
            id="null",
        ),
        pytest.param(
            {"type": "BodyMismatch", "path": "/", "expected": "{}", "actual": None},
            ("body", "{}", "nothing"),
            id="empty",
        ),
    ],
)
def test_differences_use_the_terms_of_pact(entry: dict[str, Any], reported: tuple[str, str, str]) -> None:
    result = {"description": NAME, "result": "Error", "mismatch": {"type": "mismatches", "mismatches": [entry]}}
    (difference,) = only_finding({"interactionResults": [result], "errors": ["e"]}, NAME).differences

    assert (difference.where, difference.expected, difference.actual) == reported


def test_differences_come_in_an_order_and_a_wrong_content_type_once() -> None:
    entries = [
        {"type": "BodyMismatch", "path": "$.b", "mismatch": "m"},
        {"type": "HeaderMismatch", "key": "Content-Type", "mismatch": "m"},
        {"type": "BodyMismatch", "path": "$.a", "mismatch": "m"},
        {"type": "BodyTypeMismatch", "mismatch": "m"},
        {"type": "StatusMismatch", "mismatch": "m"},
    ]
    result = {"description": NAME, "result": "Error", "mismatch": {"type": "mismatches", "mismatches": entries}}
    found = only_finding({"interactionResults": [result], "errors": []}, NAME).differences

    assert [each.where for each in found] == ["status", "content type", "body $.a", "body $.b"]


PAGE = """<!doctype html>
<html lang=en>
<!-- made by Quart -->
<style>h1 { color: red }</style><script>
let a = "<b>";
</script>
<title>NoFactoryError: no factory for <code>ClassRepository</code> &amp; others</title>
<h1>Internal Server Error</h1>"""


@pytest.mark.parametrize(
    ("content_type", "body", "line"),
    [
        pytest.param(
            "text/html; charset=utf-8", PAGE, "NoFactoryError: no factory for ClassRepository & others", id="html"
        ),
        pytest.param("text/html", "<title>500 Oops</title><h1>Error</h1>", "500 Oops", id="html-in-one-line"),
        pytest.param("TEXT/HTML", "<p>cut <", "cut <", id="html-that-is-cut"),
        pytest.param("text/html", "<script>never closed", "", id="script-that-is-cut"),
        pytest.param("application/xhtml+xml", "<p>Oops</p>", "Oops", id="xhtml"),
        pytest.param("text/plain", "\n  Internal   Server Error\nTraceback", "Internal Server Error", id="text"),
        pytest.param("text/plain", "a < b > c", "a < b > c", id="text-is-no-html"),
        pytest.param("text/plain", "\x1b[31mOops\x07", "[31mOops", id="nothing-for-a-terminal"),
        pytest.param("text/html", "", "", id="empty"),
        pytest.param("application/octet-stream", "Oops", "", id="bytes"),
        pytest.param("image/svg+xml", "<text>Oops</text>", "", id="image"),
    ],
)
def test_the_first_line_of_a_response(content_type: str, body: str, line: str) -> None:
    assert first_line(content_type, body) == line
