"""Which CI this is, and what it says of itself: a table of environment variables, and git as the last resort."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ci:
    """Facts about the build; each is empty where unknown. `link` is the build's web page."""

    name: str = ""
    branch: str = ""
    commit: str = ""
    build: str = ""
    link: str = ""


@dataclass(frozen=True)
class _Provider:
    """A CI's variables: `sign` is set wherever it runs; of several names the first that is set wins."""

    name: str
    sign: str
    branch: tuple[str, ...]
    commit: tuple[str, ...]
    build: tuple[str, ...]
    link: str  # a template of variables


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
    ),
    _Provider(
        "Jenkins",
        "JENKINS_URL",
        ("CHANGE_BRANCH", "BRANCH_NAME", "GIT_BRANCH"),
        ("GIT_COMMIT",),
        ("BUILD_NUMBER",),
        "{BUILD_URL}",
    ),
)


def detect(environ: Mapping[str, str], folder: Path) -> Ci:
    """What the environment tells; branch and commit come from git in `folder` where it tells nothing."""
    for provider in _PROVIDERS:
        if environ.get(provider.sign):
            return Ci(
                provider.name,
                _first(environ, provider.branch),
                _first(environ, provider.commit),
                _first(environ, provider.build),
                _filled(provider.link, environ),
            )
    branch, commit = (_git(folder, "rev-parse", *what) for what in (("--abbrev-ref", "HEAD"), ("HEAD",)))
    return Ci(branch="" if branch == "HEAD" else branch, commit=commit if len(commit) >= 40 else "")


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
