"""Wheel and sdist contain exactly the files that git tracks."""

import tarfile
import zipfile
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

import pytest

from tests.wheel.environment import ROOT, git, pip

FOLDERS = ("clients", "contracts", "mock_server")


def known_to_git(*folders: str) -> dict[str, bytes]:
    """Each file by its path below the folder that it is in, or below the root."""
    names = git("ls-files", "-z", "--", *folders).split("\0")[:-1]
    return {name.partition("/")[2] if folders else name: (ROOT / name).read_bytes() for name in names}


def in_wheel(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def in_sdist(sdist: Path) -> dict[str, bytes]:
    """Each file by its path below the one folder of the archive."""
    files: dict[str, bytes] = {}
    with tarfile.open(sdist) as archive:
        for member in archive:
            opened = archive.extractfile(member)
            assert opened, f"{member.name} is no file"
            files[member.name.partition("/")[2]] = opened.read()
    return files


def packages_of(wheel: Path) -> dict[str, bytes]:
    return {name: content for name, content in in_wheel(wheel).items() if ".dist-info/" not in name}


def differences(expected: Mapping[str, bytes], found: Mapping[str, bytes]) -> list[str]:
    """What to do about each file; it is git that says what is shipped."""
    return [
        *(f"left out: {name}" for name in sorted(expected.keys() - found.keys())),
        *(f"not known to git: {name}" for name in sorted(found.keys() - expected.keys())),
        *(f"not the same: {name}" for name in sorted(expected.keys() & found.keys()) if expected[name] != found[name]),
    ]


def test_the_wheel_holds_each_file_of_the_three_packages_and_no_other(wheel: Path) -> None:
    assert differences(known_to_git(*FOLDERS), packages_of(wheel)) == []


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        pytest.param("bff_*/py.typed", 3, id="types"),
        pytest.param("bff_contracts/pacts/*.json", 2, id="pacts"),
        pytest.param("bff_mock_server/control/pages/index.html", 1, id="control-page"),
        pytest.param("bff_mock_server/control/pages/page.*", 2, id="its-script-and-style"),
        pytest.param("*.dist-info/licenses/LICENSE", 1, id="license"),
    ],
)
def test_the_wheel_has_what_no_import_would_miss(wheel: Path, pattern: str, count: int) -> None:
    assert len([name for name in in_wheel(wheel) if fnmatch(name, pattern)]) == count


def test_the_wheel_has_no_tests_caches_or_logs(wheel: Path) -> None:
    names = [PurePosixPath(name) for name in packages_of(wheel)]
    unwanted = {"tests", "test", "docs", "examples", "benchmarks", "scripts", "__pycache__"}

    assert {name.parts[0] for name in names} == {"bff_clients", "bff_contracts", "bff_mock_server"}
    assert [str(name) for name in names if unwanted & {*name.parts}] == []
    assert {name.suffix or name.name for name in names} == {".py", ".json", ".html", ".css", ".js", ".typed"}


def test_the_sdist_is_the_repository_and_its_version(sdist: Path) -> None:
    found = in_sdist(sdist)

    assert "PKG-INFO" in found
    assert differences(known_to_git(), {name: found[name] for name in found.keys() - {"PKG-INFO"}}) == []


def test_a_user_who_builds_the_sdist_gets_the_same_wheel(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    pip(tmp_path, "wheel", "--no-deps", "--wheel-dir", tmp_path / "built", sdist)
    (built,) = (tmp_path / "built").iterdir()

    assert built.name == wheel.name
    assert differences(in_wheel(wheel), in_wheel(built)) == []
