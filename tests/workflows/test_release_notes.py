"""A tag is released if the changelog has its section, and dist/ has its version."""

from pathlib import Path

import pytest

from scripts.release_notes import main
from tests.support.golden import Golden

TAG = "v1.2.0"
BUILT = ("huleedu_bff_clients-1.2.0-py3-none-any.whl", "huleedu_bff_clients-1.2.0.tar.gz")
HEADING = "## [1.2.0] - 2026-11-24"
CHANGELOG = f"""\
# Changelog

## [Unreleased]

{HEADING}

### Added

- A new field.

## [1.1.0] - 2026-10-01

- Older.
"""


def release(root: Path, tag: str = TAG, changelog: str = CHANGELOG, built: tuple[str, ...] = BUILT) -> int:
    (root / "CHANGELOG.md").write_text(changelog, encoding="utf-8")
    (root / "dist").mkdir()
    for name in built:
        (root / "dist" / name).touch()
    return main([tag], root=root)


def test_the_notes_of_a_tag_are_what_the_changelog_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert release(tmp_path) == 0

    assert capsys.readouterr().out == "### Added\n\n- A new field.\n"


@pytest.mark.parametrize(
    "changelog",
    [
        pytest.param(CHANGELOG.replace("[1.2.0]", "[1.2.1]"), id="none"),
        pytest.param(CHANGELOG.replace(" - 2026-11-24", ""), id="undated"),
        pytest.param(CHANGELOG + f"\n{HEADING}\n", id="twice"),
        pytest.param(CHANGELOG.replace("1.2.0", "1x2x0"), id="a-dot-is-a-dot"),
        pytest.param("", id="empty-file"),
        pytest.param(CHANGELOG.replace("### Added\n\n- A new field.\n", ""), id="empty-section"),
        pytest.param(CHANGELOG.replace(f"\n{HEADING}", f"\n- Forgotten.\n\n{HEADING}"), id="unreleased"),
    ],
)
def test_a_tag_without_its_section_is_not_released(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changelog: str, golden: Golden
) -> None:
    assert release(tmp_path, changelog=changelog) == 1

    printed = capsys.readouterr()
    assert printed.out == ""
    golden.check(printed.err)


@pytest.mark.parametrize("tag", ["1.2.0", "v1.2", "v1.2.0rc1", "vNext", "v1.2.0.dev1"])
def test_a_tag_that_is_not_a_version_is_not_released(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], tag: str, golden: Golden
) -> None:
    assert release(tmp_path, tag=tag) == 1

    golden.check(capsys.readouterr().err)


@pytest.mark.parametrize(
    "built",
    [
        pytest.param((), id="nothing"),
        pytest.param(BUILT[:1], id="no-sdist"),
        pytest.param(tuple(name.replace("1.2.0", "1.2.1.dev3") for name in BUILT), id="another-version"),
        pytest.param((*BUILT, "huleedu_bff_clients-1.1.0.tar.gz"), id="an-old-one-too"),
    ],
)
def test_what_was_built_has_to_be_of_the_tags_version(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], built: tuple[str, ...], golden: Golden
) -> None:
    assert release(tmp_path, built=built) == 1

    golden.check(capsys.readouterr().err.replace(str(tmp_path), "FOLDER"))
