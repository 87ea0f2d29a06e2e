"""The modules that starting the mock loads."""

import subprocess
import sys

import bff_mock_server


def test_the_server_loads_neither_the_engine_nor_a_client() -> None:
    unwanted = (
        "{'pact', 'pact_ffi', 'httpx', 'pydantic_settings', 'dishka', 'fastapi', 'respx', 'bff_clients', 'uvicorn'}"
    )
    loading = "import sys, bff_mock_server.cli.assembly, bff_mock_server.cli.banner, bff_mock_server.serving.server"
    program = f"{loading}; print(sorted({unwanted} & sys.modules.keys()))"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603

    assert done.stdout.strip() == "[]"


def test_the_table_of_contents_is_true() -> None:
    assert sorted(bff_mock_server.__all__) == bff_mock_server.__all__
    assert all(hasattr(bff_mock_server, name) for name in bff_mock_server.__all__)
