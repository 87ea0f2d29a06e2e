"""The application: explained refusals, provider states, and bugs that stay inside."""

import json
import logging

import pytest

from bff_contracts.pact.file import shipped_pacts
from bff_contracts.platform import STATES_PATH
from bff_contracts.states import BATCH_MISSING, USER_HAS_BATCHES
from bff_mock_server.world.world import World
from tests.mock_server.building import (
    HEADERS,
    PAGE,
    app_of,
    batch,
    batch_id,
    call,
    cms_app,
    interaction,
    pact,
    ras_app,
    set_state,
    user_has,
)
from tests.support.golden import Golden


async def test_a_refusal_names_the_closest_interaction_and_each_difference(golden: Golden) -> None:
    answer = await call(ras_app(), f"{PAGE}&sort=name")

    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.json == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": answer.json["detail"],
        "closest": {
            "interaction": answer.json["closest"]["interaction"],
            "method": "GET",
            "path": answer.json["closest"]["path"],
        },
        "differences": [
            {
                "where": "query sort",
                "rule": "absent",
                "expected": None,
                "actual": "name",
                "change": answer.json["differences"][0]["change"],
            }
        ],
    }
    golden.check(answer.json["detail"])


async def test_a_path_of_the_other_backend_is_recognised(golden: Golden) -> None:
    app = cms_app(elsewhere=shipped_pacts())

    answer = await call(app, PAGE)

    assert answer.status == 404
    golden.check(answer.json["detail"])


async def test_a_wrong_method_is_answered_with_the_allowed_one() -> None:
    answer = await call(ras_app(), PAGE, method="POST")

    assert (answer.status, answer.headers["allow"]) == (405, "GET")


async def test_an_empty_contract_still_explains_itself(golden: Golden) -> None:
    answer = await call(app_of(pact()), "/x")

    assert answer.status == 404
    golden.check(answer.json["detail"])


async def test_a_repeated_header_counts_as_one_list() -> None:
    app = ras_app()
    repeated = [*HEADERS.items(), ("X-Correlation-ID", "another")]

    assert (await call(app, PAGE, headers=repeated)).status == 400


async def test_a_bug_of_the_mock_is_a_500_that_names_the_mock(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = ras_app()

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(app.mock, "handle", broken)
    with caplog.at_level(logging.ERROR):
        answer = await call(app, PAGE)

    assert (answer.status, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "ZeroDivisionError" in caplog.text


async def test_a_state_is_set_up_by_post() -> None:
    app = ras_app()

    answer = await set_state(app, USER_HAS_BATCHES, user_has(batch(1)))

    assert (answer.status, answer.json) == (200, {})
    assert (await call(app, PAGE)).json["pagination"]["total"] == 1


async def test_the_empty_state_of_an_interaction_without_states_is_fine() -> None:
    assert (await set_state(ras_app(), "", {})).status == 200


async def test_a_provider_outside_the_catalogue_needs_no_state() -> None:
    assert (await set_state(app_of(pact()), "whatever", {"a": 1})).status == 200


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{", id="not-json"),
        pytest.param(b"\xff", id="not-utf-8"),
        pytest.param(b"[" * 100_000, id="too-deep"),
        pytest.param(b'{"state": "x", "params": {"a": NaN}}', id="not-a-number"),
        pytest.param(b'{"state": "x", "params": {"a": 1e999}}', id="infinity"),
        pytest.param(b'{"state": "x", "params": {"a": "\\ud800"}}', id="half-a-character"),
        pytest.param(b"[]", id="not-an-object"),
        pytest.param(b'{"state": 1}', id="state-of-another-type"),
        pytest.param(b'{"state": "x", "params": []}', id="params-of-another-type"),
        pytest.param(b'{"state": "x", "action": "undo"}', id="action"),
        pytest.param(b'{"state": "x"}', id="unknown-state"),
        pytest.param(json.dumps({"state": BATCH_MISSING}).encode(), id="missing-param"),
    ],
)
async def test_an_invalid_state_change_is_a_400_with_its_reason(body: bytes, golden: Golden) -> None:
    answer = await call(ras_app(), STATES_PATH, method="POST", headers={}, body=body)

    assert answer.status == 400
    ours, mark, _ = answer.json["detail"].partition("not JSON: ")  # Python words the rest
    golden.check(ours + mark)


async def test_a_request_with_hundreds_of_names_is_rejected_before_matching(golden: Golden) -> None:
    app = ras_app()
    query = "&".join(f"n{number}=1" for number in range(200))

    many = await call(app, f"{PAGE}&{query}")
    headers = await call(app, PAGE, headers={**HEADERS, **{f"X-{number}": "1" for number in range(200)}})

    assert [many.status, headers.status] == [400, 400]
    golden.check(many.json["detail"])


async def test_two_contracts_on_one_path_are_distinguished_by_their_requests() -> None:
    one = pact(interaction("one", "/items", query={"a": ["1"]}, body={"from": "one"}))
    other = pact(
        interaction("other", "/items", query={"b": ["1"]}, body={"from": "other"}),
        interaction("made", "/items", method="POST", status=201),
        provider="other-service",
    )
    app = app_of(one, other)

    answers = [await call(app, target, method=method) for target, method in (
        ("/items?a=1", "GET"), ("/items?b=1", "GET"), ("/items", "POST"), ("/items?b=2", "GET"),
    )]  # fmt: skip

    assert [answer.status for answer in answers] == [200, 200, 201, 400]
    assert [answer.json["from"] for answer in answers[:2]] == ["one", "other"]
    assert answers[3].json["closest"]["interaction"] == "other"


async def test_on_a_shared_port_a_state_is_set_at_the_provider_that_has_it() -> None:
    app = app_of(pact(interaction("up", "/up")), *shipped_pacts(), world=World())

    right = await set_state(app, USER_HAS_BATCHES, user_has(batch(1)))
    wrong = await set_state(app, "user has exactly batches", user_has(batch(1)))

    assert [right.status, wrong.status] == [200, 400]
    assert (await call(app, PAGE)).json["pagination"]["total"] == 1


async def test_states_are_not_read() -> None:
    answer = await call(ras_app(), STATES_PATH)

    assert (answer.status, answer.headers["allow"]) == (405, "POST")


async def test_both_backends_share_the_world() -> None:
    world = World()
    ras, cms = ras_app(world), cms_app(world)
    known = {"class_id": batch_id(9), "class_name": "ENG5"}
    await set_state(ras, USER_HAS_BATCHES, user_has(batch(1)))
    await set_state(cms, "batches have exactly these classes", {"classes": {batch_id(1): known}})

    (row,) = (await call(ras, PAGE)).json["batches"]
    answer = await call(cms, f"/internal/v1/batches/class-info?batch_ids={row['batch_id']}")

    assert answer.json == {batch_id(1): known}
