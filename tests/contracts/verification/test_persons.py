"""No report has a name that the provider answered: a service may be verified on real rows by mistake."""

import json
from collections.abc import Callable
from typing import Any, Final

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from bff_contracts.platform import CMS
from bff_contracts.verification import running_provider
from tests.providers.small import SmallCms, states_with
from tests.support.quart_providers import NAMES, PERSONS

MakesResponse = Callable[[], Response]

INTERACTIONS: Final = (
    "names of students: none",
    "names of students: names that are easily mistaken",
    "names of students: one essay",
    "names of students: three essays",
)
LI: Final[Any] = [
    {**NAMES[0], "student_person_name": {"first_name": "Li", "last_name": "Nguyen", "legal_full_name": None}}
]
RESPONSES: Final[dict[str, MakesResponse]] = {
    "rows": lambda: JSONResponse(NAMES),
    "object": lambda: JSONResponse({"names": NAMES}),
    "map": lambda: JSONResponse({row["essay_id"]: row for row in NAMES}),
    "names-alone": lambda: JSONResponse([row["student_person_name"] for row in NAMES]),
    "text-for-name": lambda: JSONResponse([{**row, "student_person_name": "Ingeborg"} for row in NAMES]),
    "error": lambda: JSONResponse({"error": {"message": "two rows", "student_person_name": "Ingeborg"}}, 500),
    "broken-off": lambda: Response(json.dumps(NAMES)[:-40], media_type="application/json"),
    "html": lambda: Response(f"<pre>{json.dumps(NAMES)}</pre>", media_type="text/html"),
}


@pytest.mark.parametrize("response", RESPONSES)
def test_a_name_that_a_provider_answers_is_not_reported(cms: SmallCms, response: str) -> None:
    async def names(_: Request) -> Response:
        return RESPONSES[response]()

    app = Starlette(routes=[Route("/internal/v1/batches/{batch_id}/student-names", names), Mount("/", cms)])
    with running_provider(app, provider=CMS, states=cms.states) as running:
        asked = [at for at, name in enumerate(running.interactions) if name in INTERACTIONS]
        outcomes = [running.outcome(at) for at in asked]

    reported = "".join(f"{outcome}{outcome!r}" for outcome in outcomes)
    assert [outcome.verified for outcome in outcomes] == [False] * len(INTERACTIONS)
    assert [name for name in PERSONS if name in reported] == []


def test_a_name_of_the_contract_in_the_wrong_place_is_reported(cms: SmallCms) -> None:
    cms.seed = lambda params: setattr(cms, "entries", dict.fromkeys(params.entries, LI))  # type: ignore[method-assign]
    with running_provider(cms, provider=CMS, states=states_with(cms.seed)) as running:
        outcome = running.outcome(running.interactions.index("names of students: one essay"))

    assert "'Li'" in str(outcome)
