"""Nothing of a provider or of its states route moves, colours or retitles the terminal of those who verify it."""

import json
import logging
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bff_contracts.cli import catalogue
from bff_contracts.cli.command import main
from bff_contracts.cli.common import CommandError, print_text
from bff_contracts.cli.rows import row_of
from bff_contracts.platform import CMS
from bff_contracts.verification import CannotVerify, Difference, NotVerified, Outcome, Verification, running_provider
from bff_contracts.verification.reports import as_json, as_junit
from tests.providers.small import NEEDS_STATE, SmallCms, states_with
from tests.support.golden import Golden
from tests.support.hypercorn_server import on_hypercorn

EVIL = "\x1b]0;pwned\x07\x1b[2J\x9b31m\x00\b\r\u202e\x7f"
SPELLED = r"\x1b]0;pwned\x07\x1b[2J\x9b31m\x00\x08\r\u202e\x7f"


def is_fit(text: str) -> bool:
    return all(character in "\n\t" or character.isprintable() for character in text)


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


def test_an_exception_that_pytest_would_show_is_not_the_cause(cms: SmallCms, golden: Golden) -> None:
    def fails(_: object) -> None:
        raise RuntimeError(EVIL)

    with (
        running_provider(cms, provider=CMS, states=states_with(fails)) as running,
        pytest.raises(NotVerified) as caught,
    ):
        running.verify(NEEDS_STATE)

    golden.check(str(caught.value).splitlines()[-1])
    assert caught.value.__cause__ is None


def test_what_a_states_route_answers_is_fit_for_a_terminal(cms: SmallCms, golden: Golden) -> None:
    async def refuse(_: Request) -> Response:
        return PlainTextResponse(EVIL, 400)

    app = Starlette(routes=[Route("/states", refuse, methods=["POST"])])
    with (
        on_hypercorn(app) as url,
        running_provider(cms, provider=CMS, states_url=f"{url}/states") as running,
        pytest.raises(NotVerified) as caught,
    ):
        running.verify(NEEDS_STATE)

    golden.check(str(caught.value).splitlines()[-1])
    assert is_fit(str(caught.value))


def test_the_reason_not_to_verify_is_fit_for_a_terminal() -> None:
    assert str(CannotVerify(f"it did not start: {EVIL}")) == f"it did not start: {SPELLED}"


def test_what_the_command_prints_is_fit_for_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Pact files, brokers and providers are read by other commands too."""
    print_text(row_of(Outcome(f"a name{EVIL}\n  verified", (), "", 0.0)))

    assert capsys.readouterr().out == f"  verified    0 ms  a name{SPELLED}\\n  verified\n"


def test_what_the_command_reports_and_logs_is_fit_for_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: object) -> None:
        logging.getLogger("pact.ffi").debug(EVIL)
        raise CommandError(EVIL)

    monkeypatch.setattr(catalogue, "_list", fails)
    handlers: list[logging.Handler] = []

    def configure(**options: Any) -> None:
        handlers.extend(options["handlers"])

    monkeypatch.setattr(logging, "basicConfig", configure)
    main(["-v", "list"])
    record = logging.LogRecord("pact.ffi", logging.DEBUG, "", 0, EVIL, None, None)

    assert capsys.readouterr().err == f"bff-contracts: {SPELLED}\n"
    assert handlers[0].format(record) == f"DEBUG pact.ffi {SPELLED}"


def test_a_value_is_shown_with_its_blanks_in_one_line_and_not_whole() -> None:
    different = Difference("body $.a", '"Svenska 1"', '"Svenska  1\n"', "r" * 400)

    lines = str(different).splitlines()
    assert lines[2] == r'  actual    "Svenska  1\n"'
    assert len(lines[3]) < 320


def test_a_request_for_a_hundred_ids_is_not_shown_whole() -> None:
    request = f"GET /class-info?batch_ids={','.join(['3a1fc9c4-6570-5282-8e00-b1e37b3be88b'] * 100)}"
    shown = str(Outcome("many", (), request, 0.0, troubles=("no response",)))

    assert f"  request {request[:300]} …\n" in shown
    assert len(shown) < 400
