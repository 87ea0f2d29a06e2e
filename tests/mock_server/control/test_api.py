"""The control API: contracts, requests and faults; for this machine alone."""

from typing import Any

import httpx
import pytest

from bff_contracts.pact.file import shipped_pacts
from bff_contracts.platform import CMS, RAS
from bff_contracts.states import BATCH_MISSING, CATALOGUE, USER_HAS_BATCHES
from bff_mock_server import MockApp, find_scenario
from bff_mock_server.world.scenarios import shipped_scenarios
from tests.mock_server.building import CLASSES, HEADERS, KEY, PAGE, USER, app_of, batch, request, user_has
from tests.mock_server.control.conftest import controlling
from tests.support.golden import Golden

pytestmark = pytest.mark.anyio


def total(app: MockApp, **headers: str) -> int:
    reply = app.reply(request(PAGE, headers={**HEADERS, **headers}))
    return int(httpx.Response(200, content=reply.body).json()["pagination"]["total"])


async def get(control: httpx.AsyncClient, at: str, **params: Any) -> Any:
    answer = await control.get(at, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_overview_says_what_is_loaded(app: MockApp, control: httpx.AsyncClient) -> None:
    app.reply(request(PAGE))
    app.mock.urls[CMS] = "http://127.0.0.1:5002"

    overview = await get(control, "/")

    assert overview["backends"] == [
        {"provider": CMS, "label": "CMS", "url": "http://127.0.0.1:5002", "proxied": None},
        {"provider": RAS, "label": "RAS", "url": None, "proxied": None},
    ]
    assert (overview["scenario"], overview["requests"]) == ("default", 1)
    assert [teacher["name"] for teacher in overview["teachers"]] == [
        teacher.name for teacher in find_scenario("default").teachers
    ]


async def test_interactions_states_and_scenarios_are_listed(control: httpx.AsyncClient) -> None:
    interactions, states = await get(control, "/interactions"), await get(control, "/states")

    assert {found["description"] for found in interactions} == {
        one.description for pact in shipped_pacts() for one in pact.interactions
    }
    assert [state["name"] for state in states] == [state.name for state in CATALOGUE]
    assert states[0]["params"]["required"] == ["user_id", "batches"]
    assert await get(control, "/scenarios") == {"current": "default", "known": list(shipped_scenarios())}


async def test_the_health_route_answers(control: httpx.AsyncClient) -> None:
    assert await get(control, "/health") == {"status": "ok"}


@pytest.mark.parametrize(
    ("params", "numbers"),
    [
        pytest.param({}, [1, 2, 3], id="all"),
        pytest.param({"provider": "cms"}, [3], id="provider-by-its-short-name"),
        pytest.param({"provider": RAS}, [1, 2], id="provider"),
        pytest.param({"refused": "true"}, [2], id="refused"),
        pytest.param({"status": 400}, [2], id="status"),
        pytest.param({"path": "*class-info"}, [3], id="path"),
        pytest.param({"method": "POST"}, [], id="method"),
        pytest.param({"after": 1, "limit": 1}, [3], id="the-latest-after"),
        pytest.param({"session": "a"}, [], id="session"),
    ],
)
async def test_the_journal_can_be_searched(
    app: MockApp, control: httpx.AsyncClient, params: dict[str, Any], numbers: list[int]
) -> None:
    for target in (PAGE, f"{PAGE}&sort=up", CLASSES):
        app.reply(request(target))

    found = await get(control, "/journal", **params)

    assert [entry["number"] for entry in found] == numbers


async def test_the_journal_has_the_reason_and_no_key(app: MockApp, control: httpx.AsyncClient) -> None:
    app.reply(request(f"{PAGE}&sort=up"))

    answer = await control.get("/journal")

    assert answer.json()[0]["differences"][0]["change"] == "leave out query sort"
    assert answer.json()[0]["response"]["headers"] == {"content-type": "application/problem+json"}
    assert answer.json()[0]["seconds"] > 0
    assert KEY not in answer.text


async def test_the_journal_can_be_forgotten(app: MockApp, control: httpx.AsyncClient) -> None:
    app.reply(request(PAGE))

    assert (await control.delete("/journal")).status_code == 204
    assert await get(control, "/journal") == []
    assert (await get(control, "/coverage"))["used"] == 0


async def test_coverage_lists_what_was_never_used(app: MockApp, control: httpx.AsyncClient) -> None:
    app.reply(request(CLASSES))

    coverage = await get(control, "/coverage")

    assert coverage["used"] + len(coverage["unused"]) == coverage["total"] == len(coverage["interactions"])
    assert f"{CMS}: classes of batches: none has one" not in coverage["unused"]
    assert f"{CMS}: classes of batches: all have one" in coverage["unused"]
    assert f"{RAS}: batches of a user: a page" in coverage["unused"]


@pytest.mark.parametrize(
    ("wanted", "verified", "count"),
    [
        pytest.param({"provider": "ras"}, True, 2, id="once-or-more"),
        pytest.param({"provider": "cms", "times": 1}, True, 1, id="exactly"),
        pytest.param({"provider": "ras", "times": 1}, False, 2, id="not-exactly"),
        pytest.param({"provider": "ras", "at_least": 3}, False, 2, id="too-seldom"),
        pytest.param({"provider": "ras", "at_most": 1}, False, 2, id="too-often"),
        pytest.param({"path": "/nowhere", "at_most": 1}, True, 0, id="never-is-at-most-once"),
        pytest.param({"path": "/nowhere"}, False, 0, id="never"),
        pytest.param({"path": "/nowhere", "times": 0}, True, 0, id="never-as-wanted"),
        pytest.param({"method": "get", "provider": "cms"}, True, 1, id="method-in-any-case"),
        pytest.param({"body": "x"}, False, 0, id="with-which-body"),
        pytest.param({"query": {"status": "cancelled"}, "headers": {"X-Service-ID": "bff-teacher-service"}}, True, 1,
                     id="with-what"),
        pytest.param({"interaction": "batches of a user: none", "status": 200, "method": "GET"}, True, 1,
                     id="by-interaction"),
    ],
)  # fmt: skip
async def test_the_journal_is_searched_for_a_request(
    app: MockApp,
    control: httpx.AsyncClient,
    wanted: dict[str, Any],
    verified: bool,  # noqa: FBT001
    count: int,
) -> None:
    for target in (PAGE, f"{PAGE}&status=cancelled", CLASSES):
        app.reply(request(target))

    answer = (await control.post("/verify", json=wanted)).json()

    assert (answer["verified"], answer["count"], len(answer["exchanges"])) == (verified, count, count)


async def test_a_scenario_can_be_chosen_for_all_or_for_a_session(app: MockApp, control: httpx.AsyncClient) -> None:
    one = (await control.put("/scenario", json={"scenario": "exam-week"}, headers={"X-Mock-Session": "a"})).json()

    assert (one["current"], (await get(control, "/scenarios"))["current"]) == ("exam-week", "default")
    await control.put("/scenario", json={"scenario": "empty-school"})
    assert [app.mock.sessions.scenario_of(session).name for session in (None, "a", "b")] == [
        "empty-school",
        "exam-week",
        "empty-school",
    ]


async def test_a_scenario_is_chosen_by_name_and_no_file_is_read(control: httpx.AsyncClient) -> None:
    answer = await control.put("/scenario", json={"scenario": "/etc/passwd.yaml"})

    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert answer.json()["detail"].startswith("no scenario '/etc/passwd.yaml'; known: 'default'")


async def test_states_are_set_up_and_torn_down(app: MockApp, control: httpx.AsyncClient) -> None:
    call = {"state": USER_HAS_BATCHES, "params": user_has(batch(1))}
    totals: list[int] = []
    for more, headers in (({}, {}), ({"teardown": True}, {}), ({}, {"X-Mock-Session": "a"})):
        assert (await control.post("/states", json={**call, **more}, headers=headers)).status_code == 204
        totals.append(total(app))

    assert (totals, total(app, **{"X-Mock-Session": "a"})) == ([1, 0, 0], 1)


async def test_faults_are_armed_shown_and_disarmed(app: MockApp, control: httpx.AsyncClient) -> None:
    armed = await control.post("/faults", json={"fault": "status=503 times=9", "route": "ras", "about": [USER]})
    shown = await get(control, "/faults")
    struck = app.reply(request(PAGE)).status
    await control.delete("/faults")

    assert armed.json() == shown[0]
    assert shown[0].items() >= {"route": RAS, "fault": "status=503 times=9", "about": [USER]}.items()
    assert (struck, app.reply(request(PAGE)).status, await get(control, "/faults")) == (503, 200, [])


async def test_sessions_are_shown_and_ended(app: MockApp, control: httpx.AsyncClient) -> None:
    total(app, **{"X-Mock-Session": "a"})

    assert (await get(control, "/"))["sessions"] == ["a"]
    assert [(await control.delete("/sessions/a")).status_code for _ in range(2)] == [204, 400]


async def test_a_session_may_be_called_as_a_test_is(app: MockApp, control: httpx.AsyncClient) -> None:
    total(app, **{"X-Mock-Session": "tests/test_a.py::test_b"})

    assert (await control.delete("/sessions/tests%2Ftest_a.py::test_b")).status_code == 204


async def test_everything_can_restart(app: MockApp, control: httpx.AsyncClient) -> None:
    app.mock.arm("*", "reset")
    app.mock.sessions.default.apply(USER_HAS_BATCHES, user_has(batch(1)))

    answer = await control.post("/reset")

    assert (answer.status_code, "content-type" in answer.headers) == (204, False)
    assert (total(app), app.mock.sessions.default.faults) == (0, ())


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("POST", "/states", {"state": "x", "params": {}}, id="state"),
        pytest.param("POST", "/states", {"state": BATCH_MISSING, "params": {}}, id="params"),
        pytest.param("POST", "/faults", {"fault": "boom"}, id="fault"),
        pytest.param("POST", "/faults", {"fault": "reset", "route": "x"}, id="route"),
        pytest.param("POST", "/faults", {"fault": "none"}, id="no-fault"),
        pytest.param("POST", "/faults", {"fault": "reset", "route": "GET /typo"}, id="nowhere"),
        pytest.param("POST", "/verify", {"provider": "rsa"}, id="provider"),
        pytest.param("GET", "/journal?provider=cmss", None, id="provider-of-the-journal"),
    ],
)
async def test_an_invalid_request_is_a_400_with_its_reason(
    control: httpx.AsyncClient, method: str, path: str, body: Any, golden: Golden
) -> None:
    answer = await control.request(method, path, json=body)

    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    golden.check(answer.json()["detail"])


async def test_a_malformed_body_is_a_422_with_its_place(control: httpx.AsyncClient, golden: Golden) -> None:
    typo = await control.post("/verify", json={"provider": "ras", "tmies": 1})
    untyped = await control.post("/faults", content=b'{"fault": "reset"}')
    misplaced = await control.post("/states", json={"state": "x", "params": {}, "session": "a"})

    assert [answer.status_code for answer in (typo, untyped, misplaced)] == [422, 422, 422]
    golden.check("\n".join(answer.json()["detail"] for answer in (typo, untyped, misplaced)))


async def test_an_unknown_path_is_a_404_that_names_the_description(control: httpx.AsyncClient, golden: Golden) -> None:
    answer = await control.get("/jornal")

    assert answer.status_code == 404
    golden.check(answer.json()["detail"])


async def test_looking_at_a_session_does_not_make_one(app: MockApp, control: httpx.AsyncClient) -> None:
    overview = (await control.get("/", headers={"X-Mock-Session": "new"})).json()

    assert (overview["scenario"], app.mock.sessions.names) == ("default", ())


async def test_it_describes_itself(control: httpx.AsyncClient) -> None:
    description = await get(control, "/openapi.json")

    assert set(description["paths"]) == {
        "/_mock/",
        "/_mock/coverage",
        "/_mock/faults",
        "/_mock/faults/{number}",
        "/_mock/health",
        "/_mock/interactions",
        "/_mock/journal",
        "/_mock/reset",
        "/_mock/scenario",
        "/_mock/scenarios",
        "/_mock/sessions/{session}",
        "/_mock/states",
        "/_mock/verify",
    }
    operations = [one for path in description["paths"].values() for one in path.values()]
    assert [one["operationId"] for one in operations if not one.get("description")] == []


async def test_each_mock_of_a_process_is_controlled_alone(app: MockApp, control: httpx.AsyncClient) -> None:
    other = app_of(*shipped_pacts())
    async with controlling(other) as its_control:
        await its_control.post("/faults", json={"fault": "reset"})

    assert (len(other.mock.sessions.default.faults), len(app.mock.sessions.default.faults)) == (1, 0)
    assert await get(control, "/faults") == []


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}], ids=["host", "origin"]
)
async def test_foreign_pages_may_not_use_it(control: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await control.post("/reset", headers=headers)

    assert (answer.status_code, "evil.example" in answer.json()["detail"]) == (403, True)


async def test_a_refused_request_comes_with_the_closest_interaction(app: MockApp, control: httpx.AsyncClient) -> None:
    app.reply(request(f"{PAGE}&sort=up"))
    app.reply(request(PAGE))
    refused, answered = await get(control, "/journal")

    assert (refused["refused"], answered["refused"], answered["nearest"]) == (True, False, None)
    assert refused["nearest"]["interaction"] == "batches of a user: a page"
    assert refused["nearest"]["query"] == {"limit": ["20"], "offset": ["0"]}
    assert "x-internal-api-key" not in refused["nearest"]["headers"]


async def test_one_of_several_faults_is_disarmed(app: MockApp, control: httpx.AsyncClient) -> None:
    numbers = [
        (await control.post("/faults", json={"fault": fault, "route": "ras"})).json()["number"]
        for fault in ("status=503", "status=429")
    ]
    disarmed = await control.delete(f"/faults/{numbers[0]}")
    again = await control.delete(f"/faults/{numbers[0]}")

    assert disarmed.status_code == 204
    assert [one["fault"] for one in await get(control, "/faults")] == ["status=429"]
    assert app.reply(request(PAGE)).status == 429
    assert (again.status_code, str(numbers[1]) in again.json()["detail"]) == (400, True)


async def test_a_variable_of_a_route_does_not_match_a_fixed_segment(control: httpx.AsyncClient, golden: Golden) -> None:
    answer = await control.post("/faults", json={"fault": "reset", "route": "GET /internal/v1/batches/{batch_id}"})

    assert answer.status_code == 400
    golden.check(answer.json()["detail"])


@pytest.mark.parametrize("route", ["GET {}/{{user_id}}", "{}/<user_id>", "ras {}/:user_id", "{}/*"])
async def test_a_fault_is_armed_for_what_varies_in_a_path(control: httpx.AsyncClient, app: MockApp, route: str) -> None:
    armed = await control.post(
        "/faults", json={"fault": "status=503", "route": route.format("/internal/v1/batches/user")}
    )

    assert armed.status_code == 200
    assert app.reply(request(PAGE)).status == 503


async def test_a_route_without_an_endpoint_is_refused_with_the_nearest(
    control: httpx.AsyncClient, golden: Golden
) -> None:
    answer = await control.post("/faults", json={"fault": "reset", "route": "GET /internal/v1/batches/class-inf"})

    assert answer.status_code == 400
    golden.check(answer.json()["detail"])
