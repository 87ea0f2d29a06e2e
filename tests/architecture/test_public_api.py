"""The public names of the package, and the modules that importing it loads."""

import subprocess
import sys

import pytest

import bff_clients


def test_the_table_of_contents_is_sorted_and_true() -> None:
    assert list(bff_clients.__all__) == sorted(bff_clients.__all__)
    assert all(hasattr(bff_clients, name) for name in bff_clients.__all__)
    public = {name for name, value in vars(bff_clients).items() if not name.startswith("_") and isinstance(value, type)}
    assert public <= set(bff_clients.__all__)


@pytest.mark.parametrize(
    ("package", "unwanted"),
    [pytest.param("bff_clients", ["pact", "pact_ffi", "uvicorn", "yaml", "dishka", "bff_contracts"], id="clients")],
)
def test_importing_a_package_brings_along_only_what_it_needs(package: str, unwanted: list[str]) -> None:
    found = subprocess.run(  # noqa: S603  our own interpreter and words
        [sys.executable, "-c", f"import sys, {package}; print([m for m in {unwanted} if m in sys.modules])"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert found.stdout.strip() == "[]"
