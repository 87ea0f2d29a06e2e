"""The pytest plugin in another project: each test starts pytest in a separate process."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from tests.support.golden import Golden

pytestmark = pytest.mark.slow("starts pytest as another project does")

RunsTheirs = Callable[..., str]
"""Runs a test file of another project, with these variables alone, and gives what pytest prints."""


@pytest.fixture
def run_theirs(tmp_path: Path) -> RunsTheirs:
    def run(program: str, **variables: str) -> str:
        (tmp_path / "test_theirs.py").write_text(dedent(program))
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={"PATH": "", **variables},
        )
        return done.stdout + done.stderr

    return run


@pytest.mark.parametrize("variable", ["BFF_TEACHER_SERVICE_RAS_BASE_URL", "BFF_TEACHER_SERVICE_RAS_URL"])
def test_the_plugin_is_loaded_wherever_the_package_is_installed(run_theirs: RunsTheirs, variable: str) -> None:
    program = """
        import httpx, os, pytest

        @pytest.fixture(scope="session")
        def bff_api_key():
            return "their-key"

        def test_theirs(backends):
            assert backends.ras_url == "http://ras.example:99"
            headers = {"X-Internal-API-Key": "their-key", "X-Service-ID": "bff-teacher-service"}
            url = "http://ras.example:99/internal/v1/batches/user/x?limit=1&offset=0"
            headers["X-Correlation-ID"] = "3f0e9a51-7c1e-4b4b-8a52-0d6a1b2c3d00"
            assert httpx.get(url, headers=headers).status_code == 200
    """

    assert "1 passed" in run_theirs(program, **{variable: "http://ras.example:99"})


def test_a_failed_test_reports_refused_and_missed_requests(run_theirs: RunsTheirs, golden: Golden) -> None:
    printed = run_theirs(
        """
        import httpx
        from contextlib import suppress

        def test_theirs(backends):
            headers = {"X-Internal-API-Key": backends.api_key, "X-Service-ID": "bff-teacher-service"}
            headers["X-Correlation-ID"] = "3f0e9a51-7c1e-4b4b-8a52-0d6a1b2c3d00"
            httpx.get(f"{backends.ras_url}/internal/v1/batches/user/x?limit=500&offset=0", headers=headers)
            headers["X-Internal-API-Key"] = "wrong"
            httpx.get(f"{backends.ras_url}/internal/v1/batches/user/x?limit=5&offset=0", headers=headers)
            with suppress(httpx.ConnectError):
                httpx.get("http://127.0.0.1:9/elsewhere")
            assert backends.asked("ras", limit="7")
        """
    )

    report = printed.partition("Mocked backends")[2].partition("\n====")[0]
    golden.check("\n".join(report.splitlines()[1:]))
    assert "limit=5 and not 7" in printed


UNANSWERED = """
    import httpx

    def dashboard(key):
        try:
            return httpx.get("http://127.0.0.1:9/internal/v1/batches/user/x", headers={key: "a-key"}).json()
        except httpx.ConnectError:
            return {"error": {}}
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [pytest.param("", "yield", id="setup"), pytest.param("yield", "", id="teardown")],
)
def test_a_fixture_that_fails_says_what_was_refused(run_theirs: RunsTheirs, before: str, after: str) -> None:
    printed = run_theirs(
        f"""
        import httpx
        import pytest

        @pytest.fixture
        def dashboard(backends):
            {before}
            headers = {{"X-Internal-API-Key": backends.api_key, "X-Service-ID": "bff-teacher-service"}}
            headers["X-Correlation-ID"] = "3f0e9a51-7c1e-4b4b-8a52-0d6a1b2c3d00"
            httpx.get(f"{{backends.ras_url}}/internal/v1/batches/user/x?limit=500&offset=0", headers=headers)
            raise RuntimeError
            {after}

        def test_theirs(dashboard):
            pass
        """
    )

    assert "1 error" in printed
    assert "set query limit" in printed.partition("Mocked backends")[2]


@pytest.mark.parametrize(
    ("line", "summary"),
    [
        pytest.param(
            'dashboard("X-Internal-API-Key")["batches"]',
            "Failed: A request got no response",
            id="test-fails",
        ),
        pytest.param('dashboard("X-Internal-API-Key")["error"]', "Failed: A request got no response", id="test-passes"),
        pytest.param(
            'dashboard("Authorization")["error"]',
            "1 passed",
            id="no-call-of-the-bff",
        ),
    ],
)
def test_a_request_of_the_bff_that_nothing_answered_fails_the_test(
    run_theirs: RunsTheirs, line: str, summary: str
) -> None:
    printed = run_theirs(f"{dedent(UNANSWERED)}\ndef test_theirs(backends):\n    {line}\n", COLUMNS="200")
    failed = "1 failed" in printed

    assert summary in printed
    assert failed is ("passed" not in summary)
    assert ("No backend is mocked at http://127.0.0.1:9, but at http://127.0.0.1:4003, " in printed) is failed
    assert ("override the fixture bff_backend_urls" in printed) is failed


def test_a_request_from_the_test_to_its_application_is_not_reported_as_missed(run_theirs: RunsTheirs) -> None:
    printed = run_theirs(
        """
        import httpx

        def test_theirs(backends):
            application = httpx.MockTransport(lambda request: httpx.Response(500))
            with httpx.Client(transport=application) as http:
                assert http.get("http://testserver/dashboard").status_code == 200
        """
    )

    assert "1 failed" in printed
    assert "testserver" not in printed.partition("Mocked backends")[2]


def test_loading_it_imports_nothing_but_pytest_and_the_standard_library() -> None:
    program = """
        import sys, pytest
        before = set(sys.modules)
        import bff_mock_server.pytest_plugin
        new = {name.partition(".")[0] for name in set(sys.modules) - before}
        print(sorted(new - set(sys.stdlib_module_names)))
    """
    done = subprocess.run([sys.executable, "-c", dedent(program)], capture_output=True, text=True, check=True)  # noqa: S603

    assert done.stdout.strip() == "['bff_mock_server']"
