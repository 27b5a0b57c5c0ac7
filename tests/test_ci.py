"""A run knows the build that it belongs to."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pytest_tmsreport.ci import Ci, detect, shard_of
from pytest_tmsreport.errors import ConfigError

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_REF_NAME": "main",
    "GITHUB_SHA": "c0ffee",
    "GITHUB_RUN_NUMBER": "7",
    "GITHUB_RUN_ID": "123",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "me/shop",
}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_COMMIT_REF_NAME": "main",
    "CI_COMMIT_SHA": "c0ffee",
    "CI_PIPELINE_IID": "7",
    "CI_PIPELINE_ID": "99123",
    "CI_PIPELINE_URL": "https://gitlab.test/me/shop/-/pipelines/99123",
}
JENKINS = {
    "JENKINS_URL": "https://jenkins.test/",
    "BRANCH_NAME": "PR-3",
    "GIT_BRANCH": "origin/topic",
    "GIT_COMMIT": "c0ffee",
    "BUILD_NUMBER": "7",
    "BUILD_URL": "https://jenkins.test/job/shop/7/",
}


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        pytest.param(
            GITHUB,
            Ci("GitHub Actions", "main", "c0ffee", "7", "https://github.com/me/shop/actions/runs/123"),
            id="github-push",
        ),
        pytest.param(
            {**GITHUB, "GITHUB_HEAD_REF": "topic", "GITHUB_REF_NAME": "3/merge"},
            Ci("GitHub Actions", "topic", "c0ffee", "7", "https://github.com/me/shop/actions/runs/123"),
            id="github-pull-request",
        ),
        pytest.param(
            {**GITHUB, "GITHUB_HEAD_REF": ""},  # as GitHub sets it outside of pull requests
            Ci("GitHub Actions", "main", "c0ffee", "7", "https://github.com/me/shop/actions/runs/123"),
            id="github-empty-head-ref",
        ),
        pytest.param(
            GITLAB,
            Ci("GitLab CI", "main", "c0ffee", "7", "https://gitlab.test/me/shop/-/pipelines/99123"),
            id="gitlab-push",
        ),
        pytest.param(
            {**GITLAB, "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "topic"},
            Ci("GitLab CI", "topic", "c0ffee", "7", "https://gitlab.test/me/shop/-/pipelines/99123"),
            id="gitlab-merge-request",
        ),
        pytest.param(
            {key: value for key, value in GITLAB.items() if key != "CI_PIPELINE_IID"},
            Ci("GitLab CI", "main", "c0ffee", "99123", "https://gitlab.test/me/shop/-/pipelines/99123"),
            id="gitlab-without-a-number-of-its-own",
        ),
        pytest.param(
            {**JENKINS, "CHANGE_BRANCH": "topic"},
            Ci("Jenkins", "topic", "c0ffee", "7", "https://jenkins.test/job/shop/7/"),
            id="jenkins-change",
        ),
        pytest.param(
            {key: value for key, value in JENKINS.items() if key != "BRANCH_NAME"},
            Ci("Jenkins", "origin/topic", "c0ffee", "7", "https://jenkins.test/job/shop/7/"),
            id="jenkins-freestyle",
        ),
        pytest.param({"JENKINS_URL": "https://jenkins.test/"}, Ci("Jenkins"), id="jenkins-that-tells-nothing"),
        pytest.param(
            {
                "TF_BUILD": "True",
                "SYSTEM_PULLREQUEST_SOURCEBRANCH": "refs/heads/topic",
                "BUILD_SOURCEBRANCH": "refs/pull/3/merge",
                "BUILD_SOURCEVERSION": "c0ffee",
                "BUILD_BUILDNUMBER": "20260914.1",
                "BUILD_BUILDID": "99",
                "SYSTEM_COLLECTIONURI": "https://dev.azure.test/acme/",
                "SYSTEM_TEAMPROJECT": "shop",
            },
            Ci(
                "Azure Pipelines",
                "topic",
                "c0ffee",
                "20260914.1",
                "https://dev.azure.test/acme/shop/_build/results?buildId=99",
            ),
            id="azure-pull-request",
        ),
        pytest.param(
            {"TF_BUILD": "True", "BUILD_SOURCEBRANCH": "refs/heads/feature/pay", "BUILD_SOURCEVERSION": "c0ffee"},
            Ci("Azure Pipelines", "feature/pay", "c0ffee"),
            id="azure-branch-with-a-slash",
        ),
        pytest.param(
            {
                "CIRCLECI": "true",
                "CIRCLE_BRANCH": "main",
                "CIRCLE_SHA1": "c0ffee",
                "CIRCLE_BUILD_NUM": "7",
                "CIRCLE_BUILD_URL": "https://circle.test/7",
            },
            Ci("CircleCI", "main", "c0ffee", "7", "https://circle.test/7"),
            id="circleci",
        ),
        pytest.param(
            {
                "BITBUCKET_BUILD_NUMBER": "7",
                "BITBUCKET_BRANCH": "main",
                "BITBUCKET_COMMIT": "c0ffee",
                "BITBUCKET_GIT_HTTP_ORIGIN": "https://bitbucket.test/me/shop",
            },
            Ci("Bitbucket Pipelines", "main", "c0ffee", "7", "https://bitbucket.test/me/shop/pipelines/results/7"),
            id="bitbucket",
        ),
        pytest.param(
            {
                "BUILDKITE": "true",
                "BUILDKITE_BRANCH": "main",
                "BUILDKITE_COMMIT": "c0ffee",
                "BUILDKITE_BUILD_NUMBER": "7",
                "BUILDKITE_BUILD_URL": "https://buildkite.test/7",
            },
            Ci("Buildkite", "main", "c0ffee", "7", "https://buildkite.test/7"),
            id="buildkite",
        ),
        pytest.param(
            {"TEAMCITY_VERSION": "2026.1", "BRANCH_NAME": "main", "BUILD_VCS_NUMBER": "c0ffee", "BUILD_NUMBER": "7"},
            Ci("TeamCity", "main", "c0ffee", "7", ""),
            id="teamcity",
        ),
        pytest.param(
            {
                "TRAVIS": "true",
                "TRAVIS_PULL_REQUEST_BRANCH": "topic",
                "TRAVIS_BRANCH": "main",
                "TRAVIS_COMMIT": "c0ffee",
                "TRAVIS_BUILD_NUMBER": "7",
                "TRAVIS_BUILD_WEB_URL": "https://travis.test/7",
            },
            Ci("Travis CI", "topic", "c0ffee", "7", "https://travis.test/7"),
            id="travis-pull-request",
        ),
        pytest.param(
            {
                "DRONE": "true",
                "DRONE_BRANCH": "main",
                "DRONE_COMMIT_SHA": "c0ffee",
                "DRONE_BUILD_NUMBER": "7",
                "DRONE_BUILD_LINK": "https://drone.test/7",
            },
            Ci("Drone", "main", "c0ffee", "7", "https://drone.test/7"),
            id="drone",
        ),
    ],
)
def test_a_ci_tells_branch_commit_build_and_link(environ: dict[str, str], found: Ci, tmp_path: Path) -> None:
    assert detect(environ, tmp_path) == found


SHARDED = {
    "gitlab": {"GITLAB_CI": "true", "CI_NODE_INDEX": "2", "CI_NODE_TOTAL": "3"},
    "circleci": {"CIRCLECI": "true", "CIRCLE_NODE_INDEX": "1", "CIRCLE_NODE_TOTAL": "3"},
    "buildkite": {"BUILDKITE": "true", "BUILDKITE_PARALLEL_JOB": "1", "BUILDKITE_PARALLEL_JOB_COUNT": "3"},
    "azure": {"TF_BUILD": "True", "SYSTEM_JOBPOSITIONINPHASE": "2", "SYSTEM_TOTALJOBSINPHASE": "3"},
    "bitbucket": {"BITBUCKET_BUILD_NUMBER": "7", "BITBUCKET_PARALLEL_STEP": "1", "BITBUCKET_PARALLEL_STEP_COUNT": "3"},
}


@pytest.mark.parametrize("name", SHARDED)
def test_a_ci_tells_which_of_its_parallel_jobs_this_is(name: str) -> None:
    assert shard_of(SHARDED[name], "ci", 0) == (2, 3)
    assert shard_of(SHARDED[name], "3", 0) == (2, 3)
    assert shard_of(SHARDED[name], "3", 1) == (1, 3)


@pytest.mark.parametrize("shards", ["", "0"])
def test_parallel_jobs_share_nothing_unless_it_is_said(shards: str) -> None:
    assert shard_of(SHARDED["gitlab"], shards, 0) == (0, 0)


def test_a_job_that_is_not_parallel_is_no_part_of_several() -> None:
    assert shard_of({"GITLAB_CI": "true", "CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "1"}, "ci", 0) == (0, 0)


def test_a_machine_of_several_jobs_is_told_its_number() -> None:
    assert shard_of(GITHUB, "3", 3) == (3, 3)
    assert shard_of({}, "1", 1) == (1, 1)


@pytest.mark.parametrize(
    ("environ", "shards", "shard", "said"),
    [
        (GITHUB, "3", 0, "which of them this is, is not known: set TMSREPORT_SHARD, from 1 to 3"),
        (SHARDED["gitlab"], "5", 0, "which of them this is, is not known: set TMSREPORT_SHARD, from 1 to 5"),
        (GITHUB, "3", 4, "`shard` is 4: set TMSREPORT_SHARD, from 1 to 3"),
        (GITHUB, "ci", 0, "no variable of a CI tells how many jobs there are"),
        ({"GITLAB_CI": "true", "CI_NODE_INDEX": "²", "CI_NODE_TOTAL": "3"}, "ci", 0, "no variable of a CI"),
        (GITHUB, "three", 0, "`shards` is 'three'; it is the number of machines"),
        (GITHUB, "-1", 0, "`shards` is '-1'"),
    ],
)
def test_what_cannot_be_known_of_machines_is_an_error_that_says_what_to_set(
    environ: dict[str, str], shards: str, shard: int, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        shard_of(environ, shards, shard)
    assert said in str(caught.value)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "no-such-file"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    folder = tmp_path / "shop"
    folder.mkdir()
    git(folder, "init", "--quiet")
    return folder


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=me", "-c", "user.email=me@shop.test", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, encoding="utf-8").stdout.strip()


def test_git_tells_branch_and_commit_where_there_is_no_ci(repository: Path) -> None:
    git(repository, "checkout", "--quiet", "-b", "fix/größe")
    git(repository, "commit", "--quiet", "--allow-empty", "-m", "first")
    inside = repository / "tests"
    inside.mkdir()
    assert detect({}, inside) == Ci(branch="fix/größe", commit=git(repository, "rev-parse", "HEAD"))


def test_a_detached_head_has_a_commit_and_no_branch(repository: Path) -> None:
    git(repository, "commit", "--quiet", "--allow-empty", "-m", "first")
    git(repository, "checkout", "--quiet", "--detach")
    assert detect({}, repository) == Ci(commit=git(repository, "rev-parse", "HEAD"))


def test_a_repository_without_a_commit_tells_nothing(repository: Path) -> None:
    assert detect({}, repository) == Ci()


def test_a_folder_outside_of_a_repository_tells_nothing(repository: Path) -> None:
    assert detect({}, repository.parent) == Ci()


def test_a_machine_without_git_tells_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert detect({}, tmp_path) == Ci()


def test_a_folder_that_is_gone_tells_nothing(tmp_path: Path) -> None:
    assert detect({}, tmp_path / "gone") == Ci()
