"""Nothing of a provider or of its states route moves, colours or retitles the terminal of those who verify it."""

import json
from xml.etree import ElementTree as ET

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bff_contracts.cli.rows import row_of
from bff_contracts.platform import CMS
from bff_contracts.verification import CannotVerify, NotVerified, Outcome, Verification, running_provider
from bff_contracts.verification.plain import plain
from bff_contracts.verification.reports import as_json, as_junit
from tests.providers.small import NEEDS_STATE, SmallCms, states_with
from tests.support.hypercorn_server import on_hypercorn

EVIL = "\x1b]0;pwned\x07\x1b[2J\x9b31m\x00\b\r\u202e\x7f"
SPELLED = r"\x1b]0;pwned\x07\x1b[2J\x9b31m\x00\x08\r\u202e\x7f"


def is_fit(text: str) -> bool:
    return all(character in "\n\t" or character.isprintable() for character in text)


def test_control_characters_are_spelled_out_and_text_is_left_alone() -> None:
    assert plain(f"Svenska 1 – SA24B\n\t{EVIL}å") == f"Svenska 1 – SA24B\n\t{SPELLED}å"


def evil_app(where: str) -> Starlette:
    async def answer(request: Request) -> Response:
        ids = request.query_params.get("batch_ids", "").split(",")
        match where:
            case "value":
                return JSONResponse({each: {"class_id": EVIL, "class_name": 3} for each in ids})
            case "key":
                return JSONResponse({each: {f"class_name{EVIL}": 1} for each in ids})
            case "content type":
                return Response(b"{}", headers={"content-type": "text/\x9b31m"})
            case _:
                message = f"no such table: {EVIL}"
                raise RuntimeError(message)

    return Starlette(routes=[Route("/{path:path}", answer)])


@pytest.mark.parametrize("where", ["value", "key", "content type", "exception"])
def test_what_a_provider_answers_is_fit_for_a_terminal(where: str) -> None:
    with running_provider(evil_app(where), provider=CMS, states=states_with(lambda _: None)) as running:
        outcome = running.outcome(running.interactions.index(NEEDS_STATE))
        with pytest.raises(NotVerified) as caught:
            running.verify(NEEDS_STATE)
    verification = Verification(CMS, (outcome, outcome), 2)

    texts = (str(caught.value), str(outcome), str(verification), *map(str, outcome.differences), as_json(verification))
    assert all(map(is_fit, texts)), texts
    assert ET.fromstring(as_junit(verification)).get("failures") == "2"  # noqa: S314  our own text
    assert json.loads(as_json(verification))["interactions"][0]["troubles"] == list(outcome.troubles)


def test_what_a_states_route_answers_is_fit_for_a_terminal(cms: SmallCms) -> None:
    async def refuse(_: Request) -> Response:
        return PlainTextResponse(EVIL, 400)

    app = Starlette(routes=[Route("/states", refuse, methods=["POST"])])
    with (
        on_hypercorn(app) as url,
        running_provider(cms, provider=CMS, states_url=f"{url}/states") as running,
        pytest.raises(NotVerified) as caught,
    ):
        running.verify(NEEDS_STATE)

    assert r"answered 400: \x1b]0;pwned" in str(caught.value)
    assert is_fit(str(caught.value))


def test_the_rows_and_the_reasons_not_to_begin_are_too() -> None:
    outcome = Outcome(f"a name{EVIL}", (), "", 0.0)

    assert row_of(outcome).endswith(f"a name{SPELLED}")
    assert str(CannotVerify(f"it did not start: {EVIL}")) == f"it did not start: {SPELLED}"
