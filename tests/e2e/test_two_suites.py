"""Two test suites against one mock at once, each in a session and a process of its own, never see each other."""

import subprocess
import sys

import pytest

from tests.support.mock_process import running_mock

SUITE = """
import sys
import httpx

session, cms, control, count = *sys.argv[1:4], int(sys.argv[4])
headers = {
    "X-Internal-API-Key": "INJECTED-AT-VERIFICATION",
    "X-Service-ID": "bff-teacher-service",
    "X-Correlation-ID": "3f0e9a51-7c1e-4b4b-8a52-0d6a1b2c3d00",
    "X-Mock-Session": session,
}
batch = "26b9045a-e947-5833-ab3e-161507389763"
known = {"class_id": "d1ff7f61-e9db-5c67-9cc7-657c06dcda5a", "class_name": session}
with httpx.Client(headers=headers) as client:
    for number in range(count):
        client.delete(f"{control}/_mock/journal").raise_for_status()
        state = {"state": "batches have exactly these classes", "params": {"classes": {batch: known}}}
        client.post(f"{control}/_mock/states", json=state).raise_for_status()
        client.post(f"{control}/_mock/faults", json={"fault": "status=503 times=1", "route": "cms"}).raise_for_status()
        answers = [client.get(f"{cms}/internal/v1/batches/class-info?batch_ids={batch}") for _ in range(2)]
        assert [answer.status_code for answer in answers] == [503, 200]
        assert answers[1].json()[batch]["class_name"] == session
        verified = client.post(f"{control}/_mock/verify", json={"provider": "cms", "times": 2}).json()
        assert verified["verified"], verified
        assert {entry["session"] for entry in client.get(f"{control}/_mock/journal").json()} == {session}
print("as if alone")
"""


@pytest.mark.slow("starts pytest twice")
def test_two_suites_at_once_never_see_each_other() -> None:
    with running_mock() as mock:
        suites = [
            subprocess.Popen(  # noqa: S603  # our own interpreter
                [sys.executable, "-c", SUITE, session, mock.cms, mock.control, "25"],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for session in ("one", "two")
        ]
        said = [suite.communicate()[0] for suite in suites]

    assert said == ["as if alone\n"] * 2
