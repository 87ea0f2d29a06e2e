"""What a change of the contract means for a provider: seeded changes, and the verdict on each."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bff_contracts
from bff_contracts.cli import main
from bff_contracts.diff import Change, diff
from bff_contracts.pact_file import read_pact, shipped_pacts

PACTS = Path(bff_contracts.__file__).parent / "pacts"
RAS = "bff-teacher-service-result-aggregator-service.json"
CMS = "bff-teacher-service-class-management-service.json"
PAGE, STATUS, CLASSES = "batches of a user: a page", "batch status: a batch", "classes of batches: all have one"
MISSING = "batch status: no such batch"
FIRST = "26b9045a-e947-5833-ab3e-161507389763"
Json = dict[str, Any]
Edit = Callable[[Json], object]


def document(name: str) -> Json:
    found: Json = json.loads((PACTS / name).read_text(encoding="utf-8"))
    return found


def interaction(pact: Json, description: str) -> Json:
    found: Json = next(each for each in pact["interactions"] if each["description"] == description)
    return found


def changes(old: Json, new: Json) -> list[Change]:
    before, after = (read_pact(json.dumps(each), source="a pact") for each in (old, new))
    return [change for change in diff([before], [after]) if change.verdict != "equivalent"]


def edited(name: str, description: str, edit: Edit) -> tuple[Json, Json]:
    """A contract before and after one of its interactions is edited."""
    old = document(name)
    new = copy.deepcopy(old)
    edit(interaction(new, description))
    return old, new


def rules(each: Json) -> Json:
    found: Json = each["response"]["matchingRules"]["body"]
    return found


def body(each: Json) -> Any:
    return each["response"]["body"]["content"]


def matchers(*each: Json, combine: str = "AND") -> Json:
    return {"combine": combine, "matchers": list(each)}


NULL, TYPE, INTEGER, NUMBER = ({"match": kind} for kind in ("null", "type", "integer", "number"))


def regex(pattern: str) -> Json:
    return {"match": "regex", "regex": pattern}


def ruled(path: str, rule: Json) -> Edit:
    return lambda each: rules(each).update({path: rule})


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
    """A row: an edit of an interaction, the verdict, and what has to stand in the examples."""
    return pytest.param(name, description, edit, verdict, shown, id=called)


SEEDED = [
    # Answers
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
        "other data stands behind the answer",
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
    """What was looser becomes stricter; what was stricter may be so both ways, because it was only different."""
    del shown
    old, new = edited(name, description, edit)
    back = {change.verdict.value for change in changes(new, old)}

    assert back <= {"looser": {"stricter"}, "equivalent": set[str]()}.get(verdict, {"looser", "stricter"})
    assert bool(back) == (verdict != "equivalent")


def test_the_same_answer_each_time(tmp_path: Path) -> None:
    """In other processes too, where sets have another order."""
    old, new = edited(RAS, STATUS, lambda each: each["response"]["matchingRules"]["body"].clear())
    program = "import sys; from bff_contracts.cli import main; main(['diff', *sys.argv[1:]])"
    (tmp_path / "old.json").write_text(json.dumps(old), encoding="utf-8")
    (tmp_path / "new.json").write_text(json.dumps(new), encoding="utf-8")
    printed = {
        subprocess.run(  # noqa: S603  our own interpreter
            [sys.executable, "-c", program, str(tmp_path / "old.json"), str(tmp_path / "new.json")],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in range(3)
    }

    assert len(printed) == 1
    assert "stricter" in printed.pop()


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


def test_params_that_come_and_go() -> None:
    old = document(CMS)
    new = json.loads(json.dumps(old).replace('"params": {"classes"', '"params": {"school": 1, "rows"'))
    first = changes(old, new)[0]

    assert (first.what, first.verdict.value) == ("provider state", "stricter")
    assert first.examples == ("param 'rows' is new", "param 'school' is new", "param 'classes' is gone")


# The command


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """A contract, and one that is stricter."""
    old, new = edited(RAS, STATUS, ruled("$.assignment_id", matchers(TYPE)))
    (tmp_path / "old.json").write_text(json.dumps(old), encoding="utf-8")
    (tmp_path / "new.json").write_text(json.dumps(new), encoding="utf-8")
    return str(tmp_path / "old.json"), str(tmp_path / "new.json")


def test_text(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["diff", *files])
    printed = capsys.readouterr().out

    assert code == 0
    assert printed.startswith(
        "result-aggregator-service: 1 stricter\n\n  stricter  interaction 'batch status: a batch'\n"
    )
    assert "    an answer that was allowed and is not any more: body.assignment_id = null (" in printed
    assert printed.endswith("\nNothing changed for 30 interactions.\n")


def test_markdown(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    main(["diff", *files, "--format", "markdown"])
    printed = capsys.readouterr().out

    assert (
        "### result-aggregator-service: 1 stricter\n\n- **stricter** interaction `batch status: a batch`\n" in printed
    )
    assert "  - `an answer that was allowed and is not any more: body.assignment_id = null (" in printed


@pytest.mark.parametrize(
    ("order", "fail_on", "code"),
    [
        pytest.param((0, 1), "stricter", 1, id="stricter"),
        pytest.param((1, 0), "stricter", 0, id="looser"),
        pytest.param((1, 0), "any", 1, id="looser-any"),
        pytest.param((0, 0), "any", 0, id="same"),
    ],
)
def test_exit_codes(files: tuple[str, str], order: tuple[int, int], fail_on: str, code: int) -> None:
    assert main(["diff", files[order[0]], files[order[1]], "--fail-on", fail_on]) == code


def test_revisions_of_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "contracts" / "bff_contracts" / "pacts"
    folder.mkdir(parents=True)
    old, _ = edited(RAS, STATUS, ruled("$.assignment_id", matchers(TYPE)))
    monkeypatch.chdir(tmp_path)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "--quiet"], check=True)  # noqa: S603
    for message, pact in (("first", old), ("second", edited(RAS, STATUS, ruled("$.assignment_id", matchers(TYPE)))[1])):
        (folder / RAS).write_text(json.dumps(pact), encoding="utf-8")
        subprocess.run([*git, "add", "."], check=True)  # noqa: S603
        subprocess.run([*git, "commit", "--quiet", "-m", message], check=True)  # noqa: S603

    assert main(["diff", "HEAD~1", "HEAD"]) == 0
    assert "1 stricter" in capsys.readouterr().out
    assert main(["diff", str(PACTS)]) == 0
    count = sum(len(pact.interactions) for pact in shipped_pacts())
    assert capsys.readouterr().out == f"Nothing changed for {count} interactions.\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(["no-such"], "'no-such' is neither a file nor a folder, nor a revision of git", id="nothing"),
        pytest.param(["--", "--help"], "'--help' is neither a file nor a folder", id="an-option"),
        pytest.param([__file__], "not JSON", id="no-pact"),
        pytest.param([str(Path(__file__).parent)], "there are no pacts in", id="empty-folder"),
    ],
)
def test_what_cannot_be_compared_is_a_2(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", *words]) == 2
    assert told in capsys.readouterr().err


# Contracts of other people's


def other(body_example: Any, body_rules: Json | None = None, **response: Any) -> Json:
    """A contract with one interaction whose answer is this."""
    answer: Json = {"status": 200, "body": {"contentType": "application/json", "content": body_example}, **response}
    if body_rules:
        answer["matchingRules"] = {"body": body_rules}
    one = {
        "type": "Synchronous/HTTP",
        "description": "it",
        "request": {"method": "GET", "path": "/"},
        "response": answer,
    }
    return {
        "consumer": {"name": "a"},
        "provider": {"name": "b"},
        "interactions": [one],
        "metadata": {"pactSpecification": {"version": "4.0"}},
    }


def asked(content: Any) -> Json:
    """A contract with one interaction whose request has this body."""
    pact = other({})
    request = pact["interactions"][0]["request"]
    request["method"] = "POST"
    if content is not None:
        request["body"] = {"contentType": "application/json", "content": content}
    return pact


LIST = "$.a"


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        pytest.param(other({"a": True}), other({"a": 1}), "stricter", id="true-to-1"),
        pytest.param(other({"a": 1}), other({"a": 1.0}), "stricter", id="1-to-1.0"),
        pytest.param(
            other({"a": [1, 2, 3]}, {LIST: matchers({"match": "type", "min": 2})}),
            other({"a": [1, 2, 3]}, {LIST: matchers({"match": "type", "min": 3})}),
            "stricter",
            id="min",
        ),
        pytest.param(
            other({"a": [1]}, {LIST: matchers({"match": "type", "max": 10})}),
            other({"a": [1]}, {LIST: matchers({"match": "type", "max": 5})}),
            "stricter",
            id="max",
        ),
        pytest.param(
            other({"a": 1}, {LIST: matchers(INTEGER, regex("^[A-Z]{3}$"), combine="OR")}),
            other({"a": 1}, {LIST: matchers(INTEGER)}),
            "stricter",
            id="or-less",
        ),
        pytest.param(
            other({"a": "xabcx"}, {LIST: matchers({"match": "include", "value": "ab"})}),
            other({"a": "xabcx"}, {LIST: matchers({"match": "include", "value": "abc"})}),
            "stricter",
            id="include",
        ),
        pytest.param(
            other({"a": "x"}, {LIST: matchers(regex(r"^[\s\S]{0,500}$"))}),
            other({"a": "x"}, {LIST: matchers(regex(r"^[\s\S]{0,499}$"))}),
            "unclear",
            id="no-example-tells",
        ),
        pytest.param(
            other({"a": []}, {"$.a[*]": matchers(TYPE)}),
            other({"a": []}, {"$.a[*]": matchers(INTEGER)}),
            "unclear",
            id="no-item-in-the-example",
        ),
        pytest.param(
            other({}, headers={"Content-Type": ["application/json; charset=utf-8"]}),
            other({}, headers={"Content-Type": ["application/json"]}),
            "looser",
            id="charset-less",
        ),
        pytest.param(
            other({}, headers={"Content-Type": ["application/json;charset=utf-8"]}),
            other({}, headers={"Content-Type": ["application/json; charset=UTF-8"]}),
            None,
            id="charset-spelled-otherwise",
        ),
        pytest.param(asked({"x": 1}), asked({"x": 1, "y": 2}), "stricter", id="request-field-more"),
        pytest.param(asked({"x": {"k": 1}}), asked({"x": {"k": 1, "z": 3}}), "stricter", id="request-nested-more"),
        pytest.param(asked(None), asked({"x": 1}), "stricter", id="request-body-more"),
    ],
)
def test_contracts_of_other_forms(old: Json, new: Json, verdict: str | None) -> None:
    assert [change.verdict.value for change in changes(old, new)] == ([verdict] if verdict else [])


def test_an_innocent_place_is_not_blamed() -> None:
    old = other({"a": 1}, {"$.a": matchers(INTEGER)})
    new = other({"a": 1}, {"$.a": matchers(NUMBER)}, status=201)
    (change,) = changes(old, new)
    narrower = [text for text in change.examples if "not any more" in text]

    assert len(narrower) == 1
    assert "the old example ($.status: " in narrower[0]


def test_interactions_that_share_a_description_are_told_apart_by_their_states() -> None:
    old = other({"a": 1})
    first = old["interactions"][0]
    old["interactions"] = [{**copy.deepcopy(first), "providerStates": [{"name": name}]} for name in ("s1", "s2")]
    new = copy.deepcopy(old)
    new["interactions"][0]["response"]["body"]["content"] = {"a": 1, "b": 2}
    (change,) = changes(old, new)

    assert (change.name, change.verdict.value) == ("it given s1", "stricter")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(
            other({"a": None}, {"$.a": matchers(INTEGER)}), other({"a": 1}, {"$.a": matchers(INTEGER)}), id="own"
        ),
        pytest.param(other({"a": 1}), other({"a": float("inf")}), id="infinity"),
    ],
)
def test_a_contract_that_cannot_be_judged_is_said_to_be_one(old: Json, new: Json, tmp_path: Path, capsys: Any) -> None:
    for name, pact in (("old", old), ("new", new)):
        (tmp_path / f"{name}.json").write_text(json.dumps(pact), encoding="utf-8")

    assert main(["diff", str(tmp_path / "old.json"), str(tmp_path / "new.json")]) == 2
    assert "b: interaction 'it': the " in capsys.readouterr().err


@pytest.mark.parametrize("pattern", ["^a++$", "^(?>a|b)$", r"^[^\x00-\x7f]$", "^(?:(?:(?:a*)*)*)*$"])
def test_a_regular_expression_that_no_text_can_be_made_for_ends_in_a_verdict(pattern: str) -> None:
    old = other({"a": "a"}, {"$.a": matchers(regex("^.$"))})
    try:
        re.compile(pattern)
    except re.error:
        return
    found = other({"a": "\u00e9" if "x00" in pattern else "a"}, {"$.a": matchers(regex(pattern))})

    assert {change.verdict.value for change in changes(old, found)} <= {"stricter", "looser", "unclear"}


def test_markdown_holds_what_it_is_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = other({"a": 1}), other({"a": 1})
    new["interactions"][0]["description"] = "evil`\n# injected @org <img src=x>"
    (tmp_path / "old.json").write_text(json.dumps(old), encoding="utf-8")
    (tmp_path / "new.json").write_text(json.dumps(new), encoding="utf-8")
    main(["diff", str(tmp_path / "old.json"), str(tmp_path / "new.json"), "--format", "markdown"])

    assert "\n# injected" not in capsys.readouterr().out
