"""Print the section of CHANGELOG.md for a tag, as the notes of its release.

    python scripts/release_notes.py v1.2.3

Exit code 0 when it says something and dist/ is of that version, 1 when not, 2 for wrong arguments.
"""

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PREFIX = "huleedu_bff_clients-"


class NoReleaseError(Exception):
    """Why this is not to be released."""


def version_of(tag: str) -> str:
    """The version of a tag."""
    if not re.fullmatch(r"v\d+\.\d+\.\d+", tag):
        raise NoReleaseError(f"the tag {tag!r} is no version: it has to look like v1.2.3")
    return tag.removeprefix("v")


def notes_of(version: str, changelog: str) -> str:
    """The text below the heading of a version."""
    headings = re.findall(r"^## .*$", changelog, re.MULTILINE)
    dated = [
        heading for heading in headings if re.fullmatch(rf"## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d", heading)
    ]
    if len(dated) != 1:
        raise NoReleaseError(
            f"CHANGELOG.md needs one heading '## [{version}] - YYYY-MM-DD', below an empty '## [Unreleased]'; it has"
            f" {', '.join(headings) or 'no headings'}"
        )
    if text_below("## [Unreleased]", changelog):
        raise NoReleaseError(
            f"CHANGELOG.md has lines below [Unreleased]: move them to [{version}], and tag that commit"
        )
    notes = text_below(dated[0], changelog)
    if not notes:
        raise NoReleaseError(f"CHANGELOG.md says nothing below '{dated[0]}'")
    return notes


def text_below(heading: str, changelog: str) -> str:
    """The text up to the next heading of the same level; empty if there is no such heading."""
    _, _, rest = changelog.partition(f"{heading}\n")
    return re.split(r"^## ", rest, maxsplit=1, flags=re.MULTILINE)[0].strip()


def check_built(version: str, names: list[str]) -> None:
    """See that what was built is of that version; another tag on the same commit could have won."""
    expected = [f"{PREFIX}{version}-py3-none-any.whl", f"{PREFIX}{version}.tar.gz"]
    if sorted(names) != expected:
        raise NoReleaseError(f"dist/ has to hold {' and '.join(expected)}; it holds {', '.join(names) or 'nothing'}")


def main(arguments: list[str] | None = None, *, root: Path = ROOT) -> int:
    """Print the notes, or why there is nothing to release."""
    parser = argparse.ArgumentParser(description="Print what CHANGELOG.md says of a tag.")
    parser.add_argument("tag", help="such as v1.2.3")
    tag = parser.parse_args(arguments).tag
    try:
        version = version_of(tag)
        notes = notes_of(version, (root / "CHANGELOG.md").read_text(encoding="utf-8"))
        check_built(version, sorted(file.name for file in (root / "dist").glob("[!.]*")))
    except NoReleaseError as error:
        print(f"no release of {tag}: {error}", file=sys.stderr)
        return 1
    print(notes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
