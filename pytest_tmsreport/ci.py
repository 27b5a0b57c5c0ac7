"""Which CI this is, and what it says of itself: a table of environment variables, and git as the last resort."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from .errors import ConfigError

OWN = "ci"
"""The value of `shards` that leaves it to the CI."""


class Ci(NamedTuple):
    """Facts about the build; each is empty where unknown. `link` is the build's web page."""

    name: str = ""
    branch: str = ""
    commit: str = ""
    build: str = ""
    link: str = ""


class _Provider(NamedTuple):
    """A CI's variables: `sign` is set wherever it runs; of several names the first that is set wins.

    `shard` names the variables of a parallel job's number and of how many there are, and says what the first is called.
    """

    name: str
    sign: str
    branch: tuple[str, ...]
    commit: tuple[str, ...]
    build: tuple[str, ...]
    link: str  # a template of variables
    shard: tuple[str, str, int] | None = None


_PROVIDERS = (
    _Provider(
        "GitHub Actions",
        "GITHUB_ACTIONS",
        ("GITHUB_HEAD_REF", "GITHUB_REF_NAME"),
        ("GITHUB_SHA",),
        ("GITHUB_RUN_NUMBER",),
        "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}",
    ),
    _Provider(
        "GitLab CI",
        "GITLAB_CI",
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "CI_COMMIT_REF_NAME"),
        ("CI_COMMIT_SHA",),
        ("CI_PIPELINE_IID", "CI_PIPELINE_ID"),
        "{CI_PIPELINE_URL}",
        ("CI_NODE_INDEX", "CI_NODE_TOTAL", 1),
    ),
    _Provider(
        "Jenkins",
        "JENKINS_URL",
        ("CHANGE_BRANCH", "BRANCH_NAME", "GIT_BRANCH"),
        ("GIT_COMMIT",),
        ("BUILD_NUMBER",),
        "{BUILD_URL}",
    ),
    _Provider(
        "Azure Pipelines",
        "TF_BUILD",
        ("SYSTEM_PULLREQUEST_SOURCEBRANCH", "BUILD_SOURCEBRANCH"),
        ("BUILD_SOURCEVERSION",),
        ("BUILD_BUILDNUMBER",),
        "{SYSTEM_COLLECTIONURI}{SYSTEM_TEAMPROJECT}/_build/results?buildId={BUILD_BUILDID}",
        ("SYSTEM_JOBPOSITIONINPHASE", "SYSTEM_TOTALJOBSINPHASE", 1),
    ),
    _Provider(
        "CircleCI",
        "CIRCLECI",
        ("CIRCLE_BRANCH",),
        ("CIRCLE_SHA1",),
        ("CIRCLE_BUILD_NUM",),
        "{CIRCLE_BUILD_URL}",
        ("CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL", 0),
    ),
    _Provider(
        "Bitbucket Pipelines",
        "BITBUCKET_BUILD_NUMBER",
        ("BITBUCKET_BRANCH",),
        ("BITBUCKET_COMMIT",),
        ("BITBUCKET_BUILD_NUMBER",),
        "{BITBUCKET_GIT_HTTP_ORIGIN}/pipelines/results/{BITBUCKET_BUILD_NUMBER}",
        ("BITBUCKET_PARALLEL_STEP", "BITBUCKET_PARALLEL_STEP_COUNT", 0),
    ),
    _Provider(
        "Buildkite",
        "BUILDKITE",
        ("BUILDKITE_BRANCH",),
        ("BUILDKITE_COMMIT",),
        ("BUILDKITE_BUILD_NUMBER",),
        "{BUILDKITE_BUILD_URL}",
        ("BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT", 0),
    ),
    _Provider(
        "TeamCity",
        "TEAMCITY_VERSION",
        ("BRANCH_NAME",),
        ("BUILD_VCS_NUMBER",),
        ("BUILD_NUMBER",),
        "{BUILD_URL}",
    ),
    _Provider(
        "Travis CI",
        "TRAVIS",
        ("TRAVIS_PULL_REQUEST_BRANCH", "TRAVIS_BRANCH"),
        ("TRAVIS_PULL_REQUEST_SHA", "TRAVIS_COMMIT"),
        ("TRAVIS_BUILD_NUMBER",),
        "{TRAVIS_BUILD_WEB_URL}",
    ),
    _Provider(
        "Drone",
        "DRONE",
        ("DRONE_SOURCE_BRANCH", "DRONE_BRANCH"),
        ("DRONE_COMMIT_SHA", "DRONE_COMMIT"),
        ("DRONE_BUILD_NUMBER",),
        "{DRONE_BUILD_LINK}",
    ),
)


def detect(environ: Mapping[str, str], folder: Path) -> Ci:
    """What the environment tells; branch and commit come from git in `folder` where it tells nothing."""
    provider = _provider(environ)
    branch = _first(environ, provider.branch).removeprefix("refs/heads/") if provider else ""
    commit = _first(environ, provider.commit) if provider else ""
    if not (branch and commit):
        own_commit, own_branch = _git_head(folder)
        branch, commit = branch or own_branch, commit or own_commit
    if provider is None:
        return Ci(branch=branch, commit=commit)
    build = _first(environ, provider.build)
    return Ci(provider.name, branch, commit, build, _filled(provider.link, environ))


def shard_of(environ: Mapping[str, str], shards: str, shard: int) -> tuple[int, int]:
    """Which of how many machines of one run this is, counted from 1; (0, 0) where the settings name no number.

    `shards` is a number, or `ci`: as many as the CI runs of this job. Without `shard` the CI tells which it is. Raises
    ConfigError where that is not known.
    """
    own, total = _own_shard(environ)
    if shards in ("", "0") or (shards == OWN and total == 1):
        return 0, 0
    if shards == OWN and not total:
        raise ConfigError("`shards = ci`, but no variable of a CI tells how many jobs there are: write the number")
    if shards != OWN and not (shards.isascii() and shards.isdecimal()):
        raise ConfigError(f"`shards` is {shards!r}; it is the number of machines that share the run, or `ci`")
    number = total if shards == OWN else int(shards)
    which = shard or (own if number == total else 0)
    if not 1 <= which <= number:
        known = f"`shard` is {which}" if which else "which of them this is, is not known"
        raise ConfigError(f"`shards` is {number}, but {known}: set TMSREPORT_SHARD, from 1 to {number}")
    return which, number


def _own_shard(environ: Mapping[str, str]) -> tuple[int, int]:
    provider = _provider(environ)
    if provider is None or provider.shard is None:
        return 0, 0
    index, total, first = provider.shard
    found = [environ.get(name, "") for name in (index, total)]
    if not all(each.isascii() and each.isdecimal() for each in found):
        return 0, 0
    return int(found[0]) - first + 1, int(found[1])


def _provider(environ: Mapping[str, str]) -> _Provider | None:
    return next((each for each in _PROVIDERS if environ.get(each.sign)), None)


def _git_head(folder: Path) -> tuple[str, str]:
    """Commit and branch, by one call: starting a process takes longer than all that it does."""
    told = _git(folder, "rev-parse", "HEAD", "--abbrev-ref", "HEAD").splitlines()
    if len(told) != 2:
        return "", ""
    commit, branch = told
    return commit, "" if branch == "HEAD" else branch  # a detached head has no name


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((environ[name] for name in names if environ.get(name)), "")


def _filled(template: str, environ: Mapping[str, str]) -> str:
    try:
        return template.format_map(environ)
    except KeyError:
        return ""


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - constant arguments
            ["git", *arguments],  # noqa: S607 - wherever the user has it
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
