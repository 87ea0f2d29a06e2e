"""Small contracts, requests and worlds for the tests of the mock server."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import SecretStr

from bff_clients import BackendSettings
from bff_contracts.pact.file import Pact, read_pact, shipped_pacts
from bff_contracts.platform import CMS, RAS
from bff_mock_server import Backend, Backends, Mock, MockApp, Scenario, find_scenario
from bff_mock_server.matching.request import Asked
from bff_mock_server.serving.http import header_map, query_of
from bff_mock_server.world.world import World

Json = dict[str, Any]

KEY = "INJECTED-AT-VERIFICATION"
HEADERS = {
    "X-Internal-API-Key": KEY,
    "X-Service-ID": "bff-teacher-service",
    "X-Correlation-ID": "3f0e9a51-7c1e-4b4b-8a52-0d6a1b2c3d00",
}
USER = "7c1e0a52-3f4b-4f0e-9a51-0d6a1b2c3d01"
OTHER_USER = "7c1e0a52-3f4b-4f0e-9a51-0d6a1b2c3d02"
MOMENT = "2026-01-31T08:15:30.120"


def batch_id(number: int) -> str:
    return f"26b9045a-e947-5833-ab3e-{number:012d}"


PAGE = f"/internal/v1/batches/user/{USER}?limit=20&offset=0"
CLASSES = f"/internal/v1/batches/class-info?batch_ids={batch_id(1)}"
A_CLASS = {"class_id": "d1ff7f61-e9db-5c67-9cc7-657c06dcda5a", "class_name": "SA24B"}


def regex(pattern: str) -> Json:
    return rule({"match": "regex", "regex": pattern})


def rule(*matchers: Json, combine: str = "AND") -> Json:
    return {"combine": combine, "matchers": list(matchers)}


def interaction(description: str, path: str = "/things", *, status: int = 200, **parts: Any) -> Json:
    """An interaction as a pact file spells it.

    `parts`: method, query, headers, rules (of the request), body, body_rules (of the answer), states, role.
    """
    request = {
        "method": parts.get("method", "GET"),
        "path": path,
        "query": parts.get("query", {}),
        "headers": parts.get("headers", {}),
        "matchingRules": parts.get("rules", {}),
    }
    response: Json = {"status": status}
    if "body" in parts:
        response["body"] = {"content": parts["body"], "contentType": "application/json", "encoded": False}
        response["matchingRules"] = {"body": parts.get("body_rules", {})}
    return {
        "type": "Synchronous/HTTP",
        "description": description,
        "providerStates": parts.get("states", []),
        "comments": {"role": parts["role"]} if "role" in parts else {},
        "request": request,
        "response": response,
    }


def pact(*interactions: Json, provider: str = "thing-service") -> Pact:
    document = {
        "consumer": {"name": "bff-teacher-service"},
        "provider": {"name": provider},
        "interactions": list(interactions),
        "metadata": {"pactSpecification": {"version": "4.0"}},
    }
    return read_pact(json.dumps(document), source="thing.json")


Headers = Mapping[str, str] | Sequence[tuple[str, str]]


def _pairs(headers: Headers | None) -> list[tuple[str, str]]:
    found = HEADERS if headers is None else headers
    return list(found.items() if isinstance(found, Mapping) else found)


def request(target: str, *, method: str = "GET", headers: Headers | None = None, body: bytes = b"") -> Asked:
    path, _, query = target.partition("?")
    lines = [(name.lower().encode(), value.encode("latin-1")) for name, value in _pairs(headers)]
    return Asked(method, path, query_of(query), header_map(lines), query, body)


@dataclass(frozen=True)
class Answer:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def call(
    app: MockApp, target: str, *, method: str = "GET", headers: Headers | None = None, body: bytes = b""
) -> Answer:
    """Send one request to the application."""
    reply = app.answer(request(target, method=method, headers=headers, body=body))
    return Answer(reply.status, {name.decode(): value.decode() for name, value in reply.headers}, reply.body)


async def set_state(
    app: MockApp, name: str, params: Json, *, action: str = "setup", session: str | None = None
) -> Answer:
    document = json.dumps({"state": name, "params": params, "action": action}).encode()
    headers = {} if session is None else {"X-Mock-Session": session}
    return await call(app, "/_pact/provider_states", method="POST", headers=headers, body=document)


def shipped(provider: str) -> Pact:
    return next(found for found in shipped_pacts() if found.provider == provider)


@cache
def _default() -> Scenario:
    """The default scenario, whose rows are made once: they never change."""
    return find_scenario("default")


@cache
def _shipped_backend(provider: str) -> Backend:
    """The backend of a contract of this package, compiled once: several mocks may have it."""
    return Backend(shipped(provider))


def _backend_of(pact: Pact, **options: Any) -> Backend:
    if not options and any(pact is one for one in shipped_pacts()):
        return _shipped_backend(pact.provider)
    return Backend(pact, **options)


def app_of(*pacts: Pact, world: World | None = None, seed: int = 0, **options: Any) -> MockApp:
    """The application of these contracts, over a world (the default scenario's when there is none)."""
    mock = Mock([_backend_of(one, **options) for one in pacts], _default(), seed=seed)
    if world is not None:
        mock.sessions.default = world
    return MockApp(mock, *mock.backends)


def ras_app(world: World | None = None, **options: Any) -> MockApp:
    return app_of(shipped(RAS), world=world, **options)


def cms_app(world: World | None = None, **options: Any) -> MockApp:
    return app_of(shipped(CMS), world=world, **options)


def used(app: MockApp) -> dict[str, int]:
    """How often each interaction was used, of those that were."""
    return {use.interaction: use.times for use in app.mock.coverage() if use.times}


def batch(number: int = 1, **changes: Any) -> Json:
    """A batch as the provider states spell it."""
    return {
        "batch_id": batch_id(number),
        "internal_status": "completed_successfully",
        "assignment_id": None,
        "essay_count": 3,
        "completed_essay_count": 0,
        "failed_essay_count": 0,
        "requested_pipeline": None,
        "essays": [],
        "created_at": MOMENT,
        "last_updated": MOMENT,
        "processing_started_at": None,
        "processing_completed_at": None,
        "student_prompt_ref": None,
        **changes,
    }


def essay(spellcheck: str | None, assessment: str | None, essay_id: str = "e") -> Json:
    return {
        "essay_id": essay_id,
        "filename": None,
        "file_upload_id": None,
        "spellcheck_status": spellcheck,
        "spellcheck_correction_count": None,
        "spellcheck_corrected_text_storage_id": None,
        "spellcheck_error_detail": None,
        "cj_assessment_status": assessment,
        "cj_rank": None,
        "cj_score": None,
        "cj_assessment_error_detail": None,
        "last_updated": MOMENT,
    }


def user_has(*batches: Json, user_id: str = USER) -> Json:
    return {"user_id": user_id, "batches": list(batches)}


def settings_of(backends: Backends, *, seconds: float = 10, retries: int = 2) -> BackendSettings:
    """What the clients need to reach the backends of a test."""
    return BackendSettings(
        internal_api_key=SecretStr(backends.api_key),
        ras_base_url=backends.ras_url,
        cms_base_url=backends.cms_url,
        http_client_timeout_seconds=seconds,
        http_retries=retries,
    )
