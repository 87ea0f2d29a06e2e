"""Names of students are only in the mock's answers: it never shows, logs or records them."""

import json
import logging

import httpx
import pytest

from bff_contracts.states import BATCHES_HAVE_STUDENT_NAMES
from bff_mock_server import MockApp
from bff_mock_server.answering.journal import Journal
from tests.mock_server.building import HEADERS, batch_id, request
from tests.support.quart_providers import NAMES, PERSONS

pytestmark = pytest.mark.anyio
OF_BATCH = f"/internal/v1/batches/{batch_id(1)}/student-names"
STATE = {"student_names": {batch_id(1): NAMES}}


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="answer"),
        pytest.param({"X-Internal-API-Key": "wrong"}, id="refusal"),
        pytest.param({"X-Service-ID": ""}, id="no-service"),
        pytest.param({"X-Correlation-ID": "none"}, id="outside-the-contract"),
        pytest.param({"X-Mock-Fault": "violation"}, id="violation"),
        pytest.param({"X-Mock-Fault": "malformed"}, id="malformed"),
        pytest.param({"X-Mock-Fault": "truncate"}, id="truncated"),
        pytest.param({"X-Mock-State": f"{BATCHES_HAVE_STUDENT_NAMES}; {json.dumps(STATE)}"}, id="state"),
        pytest.param({"X-Mock-State": f"{BATCHES_HAVE_STUDENT_NAMES}; {json.dumps(STATE)[:-2]}"}, id="no-state"),
        pytest.param(
            {"X-Mock-State": f'{BATCHES_HAVE_STUDENT_NAMES}; {{"student_names": {json.dumps(NAMES)}}}'},
            id="wrong-state",
        ),
    ],
)
async def test_a_name_that_the_mock_answers_is_shown_nowhere(
    app: MockApp, control: httpx.AsyncClient, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    app.mock.journal = Journal(log_requests=True)
    app.mock.sessions.default.apply(BATCHES_HAVE_STUDENT_NAMES, STATE)

    answered = b"".join(app.reply(request(OF_BATCH, headers={**HEADERS, **headers})).body for _ in range(4))
    shown = [
        (await control.get(at)).text for at in ("/journal", "/coverage", "/interactions", "/states", "/faults", "/")
    ]
    shown += [caplog.text, *(repr((one, one.response and one.response.text)) for one in app.mock.journal.exchanges())]

    assert len(app.mock.journal.exchanges()) == 4
    assert [name for name in PERSONS if name in "".join(shown)] == []
    assert headers or all(name in answered.decode() for name in PERSONS)
