"""A whole run in words, for tools that keep no results: a headline, Markdown, and one result that stands for all."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import indent

from .aggregate import WORST_FIRST
from .model import Outcome, Result, Run
from .render import count, cut, mark, plain, utc

READ_FIRST = (Outcome.PASSED, Outcome.FAILED, Outcome.ERROR, Outcome.SKIPPED, Outcome.XFAILED, Outcome.XPASSED)
MESSAGE = 1000
"""Most characters of a failure's message in Markdown."""


def numbers(results: Sequence[Result]) -> dict[str, int]:
    """Outcome -> how many tests had it, without those that none had; `flaky` counts passes after a failure."""
    outcomes = [result.outcome for result in results]
    found = {outcome.value: outcomes.count(outcome) for outcome in READ_FIRST}
    found["flaky"] = sum(result.is_flaky for result in results)
    return {word: number for word, number in found.items() if number}


def in_words(results: Sequence[Result]) -> str:
    """`210 passed, 2 failed, 5 skipped`."""
    return ", ".join(f"{number} {word}" for word, number in numbers(results).items())


def headline(run: Run, results: Sequence[Result], limit: int) -> str:
    """The run's name and its numbers in one line of at most `limit` characters; the numbers are always whole."""
    words = in_words(results)
    return cut(f"{cut(run.name, max(limit - len(words) - 2, 1))}: {words}", limit)


def whole(run: Run, results: Sequence[Result], limit: int) -> Result:
    """One result that stands for all of a run: its description is Markdown of at most `limit` characters.

    It holds every attached content once.
    """
    start, end = span(results)
    about = {"branch": run.branch, "commit": run.commit, "build": run.build, "ci": run.ci, "link": run.link}
    contents = {each.sha256: each for result in results for each in result.attachments}
    return Result(
        id=run.id,
        nodeid=run.id,
        title=plain(run.name),
        outcome=min((result.outcome for result in results), key=WORST_FIRST.index),
        start=start,
        duration=end - start,
        description=markdown(run, results, limit),
        fields={name: value for name, value in about.items() if value},
        attachments=tuple(contents.values()),
        parts=tuple(results),
    )


def span(results: Sequence[Result]) -> tuple[float, float]:
    """When the first of the tests began and the last ended, in epoch seconds."""
    return min(result.start for result in results), max(result.end for result in results)


def markdown(run: Run, results: Sequence[Result], limit: int) -> str:
    """Numbers, where the run was made, and every failure with its message, in at most `limit` characters.

    Failures that have no room are counted.
    """
    bad = [result for result in results if result.outcome.is_bad]
    start, end = span(results)
    rows = [f"| {word} | {number} |" for word, number in numbers(results).items()]
    about = {"branch": run.branch, "commit": run.commit, "build": run.build, "CI": run.ci, "link": run.link}
    when = f"{utc(start)} to {utc(end)} UTC, {end - start:.1f} s"
    blocks = [
        f"## {_text(run.name)}",
        f"**{'failure' if bad else 'success'}**: {count(len(results), 'test')}, {when}",
        "\n".join(["| outcome | tests |", "|---|---|", *rows]),
        "\n".join(f"- {name}: {_text(value)}" for name, value in about.items() if value),
        "### Failures" if bad else "",
    ]
    last = mark(run.own_id)
    text = "\n\n".join(block for block in blocks if block)
    room = limit - len(last) - 40
    for number, result in enumerate(bad):
        block = f"`{plain(result.nodeid).replace('`', chr(39))}`: {result.outcome.value}"
        if result.message:
            block += "\n\n" + indent(_short(result.message), "    ")
        if len(text) + len(block) + 2 > room:
            text += f"\n\nand {count(len(bad) - number, 'more failure')}"
            break
        text += f"\n\n{block}"
    return f"{text[: limit - len(last) - 2]}\n\n{last}"


def _short(text: str) -> str:
    return text if len(text) <= MESSAGE else f"{text[: MESSAGE - 1]}…"


def _text(text: str) -> str:
    """A stranger's words on one line, in which Markdown and HTML are just text."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>|#" else letter for letter in plain(text))
