"""Finds the version of the source: commit, branch and uncommitted changes, from git and from the CI's variables."""

import subprocess
from collections.abc import Mapping, Sequence
from typing import Final

_BRANCH_VARIABLES: Final[Sequence[str]] = (
    "GITHUB_HEAD_REF",  # GitHub Actions, of a pull request
    "GITHUB_REF_NAME",
    "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",  # GitLab, of a merge request
    "CI_COMMIT_BRANCH",
    "CHANGE_BRANCH",  # Jenkins, of a pull request
    "BRANCH_NAME",
    "BUILDKITE_BRANCH",
    "CIRCLE_BRANCH",
    "BITBUCKET_BRANCH",
)
"""Variables in which CI systems name the branch, because they check out a commit; the first that is set counts."""

_GIT_SECONDS: Final = 20


class SourceError(Exception):
    """The version of the source is not known; the message says why."""


def commit() -> str:
    """The commit that is checked out here, in full.

    Raises:
        SourceError: This is not a git checkout, or git is not installed.
    """
    return git("rev-parse", "HEAD")


def branch(environment: Mapping[str, str]) -> str:
    """The branch that is checked out, from the CI's variables or from git.

    Raises:
        SourceError: Neither knows.
    """
    for variable in _BRANCH_VARIABLES:
        is_tag = variable == "GITHUB_REF_NAME" and environment.get("GITHUB_REF_TYPE") == "tag"
        if environment.get(variable) and not is_tag:
            return environment[variable]
    name = git("rev-parse", "--abbrev-ref", "HEAD")
    if name == "HEAD":
        message = "HEAD is detached and no CI variable names the branch: give --branch"
        raise SourceError(message)
    return name


def uncommitted() -> Sequence[str]:
    """The files that differ from the commit, or are in no commit.

    Raises:
        SourceError: This is not a git checkout, or git is not installed.
    """
    return git("status", "--porcelain").splitlines()


def git(*words: str) -> str:
    """The output of a git command.

    Raises:
        SourceError: It failed.
    """
    try:
        done = subprocess.run(  # noqa: S603  # words of ours, and a revision that cannot be an option
            ["git", *words],  # noqa: S607  # the git on PATH
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=True,
            timeout=_GIT_SECONDS,
        )
    except FileNotFoundError as error:
        message = "git is not installed"
        raise SourceError(message) from error
    except subprocess.TimeoutExpired as error:
        message = f"git {words[0]} took longer than {_GIT_SECONDS} s"
        raise SourceError(message) from error
    except subprocess.CalledProcessError as error:
        message = f"git {words[0]}: {error.stderr.strip()}"
        raise SourceError(message) from error
    return done.stdout.strip("\n")
