"""Two suites in processes of their own use one mock at once, each in a session: neither sees the other."""

import subprocess
import sys

import pytest

from tests.support.mock_process import running_mock

SUITE = """\
import sys

import httpx

from bff_mock_server import a_batch

ras, control, name, state = sys.argv[1:]
path = "/internal/v1/batches/user/teacher-1"
rounds = 40
headers = {
    "X-Internal-API-Key": "INJECTED-AT-VERIFICATION",
    "X-Service-ID": "bff-teacher-service",
    "X-Correlation-ID": "3f0e9a51-7c1e-4b4b-8a52-0d6a1b2c3d99",
    "X-Mock-Session": name,
}
mine = int(state)
with httpx.Client(headers=headers, base_url=control) as api, httpx.Client(headers=headers, base_url=ras) as bff:
    print("ready", flush=True)
    sys.stdin.readline()
    for at in range(1, rounds + 1):
        batches = [a_batch(one) for one in range(mine)]
        params = {"user_id": "teacher-1", "batches": batches}
        api.post("/_mock/states", json={"state": "user has exactly these batches", "params": params}).raise_for_status()
        fault = api.post("/_mock/faults", json={"route": "ras", "fault": f"status=50{mine} times=1"}).json()
        statuses = [bff.get(f"{path}?limit=20&offset=0").status_code for _ in range(2)]
        assert statuses == [500 + mine, 200], statuses
        assert bff.get(f"{path}?limit=20&offset=0").json()["pagination"]["total"] == mine
        assert [one["number"] for one in api.get("/_mock/faults").json()] == [fault["number"]]
        api.delete(f"/_mock/faults/{fault['number']}").raise_for_status()
        asked = api.post("/_mock/verify", json={"path": path, "times": 3 * at}).json()
        assert asked["verified"], asked["count"]
    assert {one["session"] for one in api.get("/_mock/journal?limit=1000").json()} == {name}
    used = {one["interaction"]: one["times"] for one in api.get("/_mock/coverage").json()["interactions"]}
    assert used["batches of a user: a page"] == 2 * rounds, used
print("passed")
"""


@pytest.mark.slow("two processes, forty rounds each")
def test_two_suites_that_run_at_once_never_see_each_other() -> None:
    with running_mock() as mock:
        suites = [
            subprocess.Popen(  # noqa: S603  # our own program
                [sys.executable, "-c", SUITE, mock.ras, mock.control, f"suite-{state}", str(state)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for state in (1, 2)
        ]
        for suite in suites:
            assert suite.stdout is not None
            assert suite.stdout.readline() == "ready\n"
        for suite in suites:  # both begin when both are there
            assert suite.stdin is not None
            suite.stdin.write("\n")
            suite.stdin.flush()
        printed = [suite.communicate(timeout=60)[0] for suite in suites]

    assert printed == ["passed\n", "passed\n"]
