"""A session scopes every route of the control API, by header and by parameter alike."""

from typing import Any

import httpx
import pytest

from bff_mock_server import MockApp
from tests.mock_server.building import CLASSES, HEADERS, PAGE, request
from tests.support.golden import Golden

pytestmark = pytest.mark.anyio


async def get(control: httpx.AsyncClient, at: str, **params: Any) -> Any:
    return (await control.get(at, params=params)).json()


@pytest.fixture
def busy(app: MockApp) -> MockApp:
    """Two sessions and the default world have each asked something else."""
    app.reply(request(PAGE))
    for session, target in (("a", CLASSES), ("a", CLASSES), ("b", f"{PAGE}&sort=up")):
        app.reply(request(target, headers={**HEADERS, "X-Mock-Session": session}))
    return app


SESSIONS = [
    pytest.param(None, [1], id="the-default-world"),
    pytest.param("a", [2, 3], id="a-session"),
    pytest.param("b", [4], id="another"),
    pytest.param("new", [], id="one-that-asked-nothing"),
    pytest.param("*", [1, 2, 3, 4], id="every-session"),
]


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("by_header", [True, False], ids=["by-header", "by-parameter"])
@pytest.mark.parametrize(("session", "numbers"), SESSIONS)
async def test_each_route_that_reads_requests_reads_those_of_the_session(
    control: httpx.AsyncClient, session: str | None, numbers: list[int], *, by_header: bool
) -> None:
    headers = {"X-Mock-Session": session} if by_header and session is not None else {}
    params = {"session": session} if not by_header and session is not None else {}

    journal = (await control.get("/journal", params=params, headers=headers)).json()
    verified = (await control.post("/verify", json={"times": len(numbers)}, params=params, headers=headers)).json()
    coverage = (await control.get("/coverage", params=params, headers=headers)).json()

    assert [entry["number"] for entry in journal] == numbers
    assert (verified["verified"], verified["count"]) == (True, len(numbers))
    answered = len(set(numbers) & {1}) + 2 * bool(set(numbers) & {2, 3})
    assert (coverage["used"] > 0) == (answered > 0)


@pytest.mark.usefixtures("busy")
async def test_a_session_forgets_its_own_requests_alone(control: httpx.AsyncClient) -> None:
    await control.delete("/journal", headers={"X-Mock-Session": "a"})

    assert [entry["number"] for entry in await get(control, "/journal", session="*")] == [1, 4]
    assert (await get(control, "/coverage", session="a"))["used"] == 0
    assert (await get(control, "/coverage"))["used"] > 0


@pytest.mark.usefixtures("busy")
async def test_header_and_parameter_name_one_session(control: httpx.AsyncClient, golden: Golden) -> None:
    answer = await control.get("/journal", params={"session": "a"}, headers={"X-Mock-Session": "b"})
    same = await control.get("/journal", params={"session": "a"}, headers={"X-Mock-Session": "a"})

    assert (answer.status_code, same.status_code) == (400, 200)
    golden.check(answer.json()["detail"])


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        pytest.param([("X-Mock-Session", "a"), ("X-Mock-Session", "b")], "", id="two-headers"),
        pytest.param([], "?session=a&session=b", id="two-parameters"),
    ],
)
async def test_several_sessions_are_refused(
    control: httpx.AsyncClient, headers: list[tuple[str, str]], query: str
) -> None:
    answer = await control.get(f"/journal{query}", headers=headers)

    assert (answer.status_code, "names 'a', 'b'" in answer.json()["detail"]) == (400, True)


@pytest.mark.parametrize("session", ["a b", "", "x" * 129])
@pytest.mark.parametrize("route", ["/", "/scenarios", "/faults", "/journal", "/coverage"])
async def test_each_route_that_reads_requests_rejects_an_invalid_session(
    control: httpx.AsyncClient, route: str, session: str
) -> None:
    answer = await control.get(route, params={"session": session})

    assert (answer.status_code, "1 to 128 visible ASCII" in answer.json()["detail"]) == (400, True)


@pytest.mark.parametrize("route", ["/", "/scenarios", "/faults"])
async def test_there_is_no_world_of_all_sessions(control: httpx.AsyncClient, route: str) -> None:
    assert (await control.get(route, params={"session": "*"})).status_code == 400


async def test_a_refused_directive_is_a_request_of_its_session(app: MockApp, control: httpx.AsyncClient) -> None:
    app.reply(request(PAGE, headers={**HEADERS, "X-Mock-Session": "a", "X-Mock-Fault": "explode"}))

    assert [len(await get(control, "/journal", **about)) for about in ({}, {"session": "a"})] == [0, 1]


@pytest.mark.usefixtures("busy")
async def test_a_deleted_session_has_no_requests_left(control: httpx.AsyncClient) -> None:
    await control.delete("/sessions/a")

    assert [entry["number"] for entry in await get(control, "/journal", session="*")] == [1, 4]
    assert (await get(control, "/coverage", session="a"))["used"] == 0


@pytest.mark.parametrize("session", ["a b", "*"])
async def test_what_cannot_be_a_session_changes_nothing(app: MockApp, control: httpx.AsyncClient, session: str) -> None:
    answer = await control.post("/faults", json={"fault": "reset"}, params={"session": session})

    assert answer.status_code == 400
    assert (app.mock.sessions.names, app.mock.sessions.default.faults) == ((), ())


@pytest.mark.parametrize("route", ["/", "/journal", "/coverage", "/faults", "/health"])
@pytest.mark.parametrize("name", ["sesion", "Session", "x-mock-session"])
async def test_a_misspelled_parameter_is_not_about_the_default_world(
    control: httpx.AsyncClient, route: str, name: str
) -> None:
    answer = await control.get(route, params={name: "a"})

    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(f"unknown parameter {name!r}; ")


async def test_every_parameter_of_the_description_is_accepted(control: httpx.AsyncClient) -> None:
    document = await get(control, "/openapi.json")
    operations = [one for path in document["paths"].values() for one in path.values()]
    described = {one["name"] for each in operations for one in each.get("parameters", ()) if one["in"] == "query"}

    assert "session" in described
    assert (await control.get("/health", params=dict.fromkeys(described, "1"))).status_code == 200


async def test_a_misspelled_parameter_disarms_nothing(app: MockApp, control: httpx.AsyncClient) -> None:
    app.mock.arm("cms", "reset")

    answer = await control.delete("/faults", params={"sesion": "a"})

    assert (answer.status_code, len(app.mock.sessions.default.faults)) == (400, 1)
    assert "did you mean 'session'?" in answer.json()["detail"]


async def test_every_route_of_a_session_is_described_with_it(control: httpx.AsyncClient) -> None:
    document = (await control.get("/openapi.json")).json()
    named = {
        path: {(one["in"], one["name"]) for one in operation.get("parameters", ())}
        for path, operations in document["paths"].items()
        for operation in operations.values()
    }

    about_none = {"/_mock/health", "/_mock/interactions", "/_mock/states", "/_mock/sessions/{session}"}
    both = {("header", "X-Mock-Session"), ("query", "session")}
    assert [path for path, found in named.items() if path not in about_none and not both <= found] == []
    refusals = [
        operation["responses"]["400"]["content"]
        for operations in document["paths"].values()
        for operation in operations.values()
    ]
    assert {kind for content in refusals for kind in content} == {"application/problem+json"}
