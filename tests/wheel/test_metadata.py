"""The metadata of the wheel, and the source of its version."""

import shutil
import tarfile
import tomllib
from configparser import ConfigParser
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest

from tests.wheel.environment import DISTRIBUTION, ROOT, git, own_program
from tests.wheel.test_contents import in_wheel

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def metadata_file(wheel: Path, name: str) -> str:
    (content,) = (content for path, content in in_wheel(wheel).items() if path.endswith(f".dist-info/{name}"))
    return content.decode()


@pytest.fixture(scope="session")
def metadata(wheel: Path) -> Message:
    return Parser().parsestr(metadata_file(wheel, "METADATA"))


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        pytest.param("Name", [DISTRIBUTION], id="name"),
        pytest.param("Summary", [PROJECT["description"]], id="summary"),
        pytest.param("Requires-Python", [">=3.11"], id="python"),
        pytest.param("License-Expression", ["MIT"], id="license"),
        pytest.param("License-File", ["LICENSE"], id="license-file"),
        pytest.param("Classifier", PROJECT["classifiers"], id="classifiers"),
        pytest.param("Provides-Extra", ["contracts", "mock", "testing"], id="extras"),
        pytest.param("Description-Content-Type", ["text/markdown"], id="markdown"),
    ],
)
def test_the_wheel_says_what_the_project_says(metadata: Message, field: str, expected: list[str]) -> None:
    assert metadata.get_all(field) == expected


def test_without_an_extra_only_what_the_clients_need_is_asked_for(metadata: Message) -> None:
    asked = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]

    assert sorted(line.split("<")[0].split(">")[0] for line in asked) == [
        "aiohttp",
        "dishka",
        "httpx",
        "msgspec",
        "pydantic",
        "pydantic-settings",
    ]


def test_the_readme_is_the_description(metadata: Message) -> None:
    assert metadata.get_payload() == (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_commands_and_the_plugin_are_entry_points(wheel: Path) -> None:
    found = ConfigParser()
    found.read_string(metadata_file(wheel, "entry_points.txt"))

    assert {group: dict(found[group]) for group in found.sections()} == {
        "console_scripts": PROJECT["scripts"],
        "pytest11": PROJECT["entry-points"]["pytest11"],
    }


def test_an_index_would_take_both_and_show_the_readme(wheel: Path, sdist: Path) -> None:
    printed = own_program("twine", "--no-color", "check", "--strict", wheel, sdist)

    assert printed.count("PASSED") == 2


# The version


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone without the tags that this repository may have."""
    git("clone", "--quiet", "--no-tags", ROOT, tmp_path / "clone")
    return tmp_path / "clone"


def version_in(folder: Path) -> str:
    return own_program("hatchling", "metadata", "version", folder=folder).strip()


def test_a_tag_is_the_version(clone: Path) -> None:
    git("tag", "v9.8.7", folder=clone)

    assert version_in(clone) == "9.8.7"


def test_a_commit_after_a_tag_is_a_development_version_of_the_next(clone: Path) -> None:
    git("tag", "v9.8.7", folder=clone)
    git("commit", "--quiet", "--allow-empty", "--message", "more", folder=clone)

    assert version_in(clone) == "9.8.8.dev1"


def test_a_clone_without_tags_is_a_development_version_of_the_first(clone: Path) -> None:
    commits = git("rev-list", "--count", "HEAD", folder=clone).strip()

    assert version_in(clone) == f"0.1.0.dev{commits}"


def unpacked_archive(clone: Path) -> Path:
    """What a git host offers as the source of a commit."""
    git("archive", "--format", "tar", "--output", "../source.tar", "HEAD", folder=clone)
    with tarfile.open(clone.parent / "source.tar") as archive:
        archive.extractall(clone.parent / "source", filter="data")
    return clone.parent / "source"


def test_an_archive_of_a_tag_has_its_version(clone: Path) -> None:
    git("tag", "v9.8.7", folder=clone)

    assert version_in(unpacked_archive(clone)) == "9.8.7"


def test_an_archive_without_tags_has_the_fallback(clone: Path) -> None:
    assert version_in(unpacked_archive(clone)) == "0.1.0.dev0"


def test_files_without_git_have_the_fallback(clone: Path) -> None:
    shutil.rmtree(clone / ".git")

    assert version_in(clone) == "0.1.0.dev0"


def test_files_without_git_take_the_version_that_they_are_given(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(clone / ".git")
    monkeypatch.setenv("SETUPTOOLS_SCM_PRETEND_VERSION", "9.8.7")

    assert version_in(clone) == "9.8.7"


def test_an_sdist_keeps_its_version_and_gives_it_to_its_wheel(clone: Path, tmp_path: Path) -> None:
    git("tag", "v9.8.7", folder=clone)
    own_program("hatchling", "build", "--target", "sdist", "--directory", tmp_path / "sdist", folder=clone)
    with tarfile.open(tmp_path / "sdist" / "huleedu_bff_clients-9.8.7.tar.gz") as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")

    assert version_in(tmp_path / "unpacked" / "huleedu_bff_clients-9.8.7") == "9.8.7"
