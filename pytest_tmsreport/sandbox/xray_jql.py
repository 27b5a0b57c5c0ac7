"""As much of JQL as Xray's clients write: conditions that are joined by AND."""

from __future__ import annotations

import re

from .xray_graphql import GraphQLError
from .xray_store import Issue, Store

FIELDS = ("key", "id", "project", "issuetype", "summary", "description")
"""What JQL can ask for here."""


def search(store: Store, jql: str, kind: str) -> list[Issue]:
    """The issues that a query names; raises GraphQLError for one that Jira would refuse."""
    checks = []
    for clause in filter(None, re.split(r"\s+AND\s+(?=\w+\s*(?:=|~|in\b))", jql, flags=re.IGNORECASE)):
        parsed = re.fullmatch(r"\s*(\w+)\s*(=|~|in\b)\s*(.+?)\s*", clause, re.IGNORECASE | re.DOTALL)
        if not parsed:
            raise GraphQLError(f"Error in the JQL Query: {clause!r}")
        name, operator, raw = parsed[1].lower(), parsed[2].lower(), parsed[3]
        values = [_unquoted(part) for part in raw.strip("()").split(",")] if operator == "in" else [_unquoted(raw)]
        if name == "key":
            for value in values:
                if value not in store.issues and not store.find("Test", value):
                    raise GraphQLError(f"An issue with key '{value}' does not exist for field 'key'.")
        elif name not in FIELDS:
            raise GraphQLError(f"Field '{name}' does not exist or you do not have permission to view it.")
        elif name == "project" and not set(values) <= set(store.rules.projects):
            raise GraphQLError(f"The value '{values[0]}' does not exist for the field 'project'.")
        checks.append((name, operator, values))
    found = [issue for issue in store.issues.values() if kind in ("", issue.kind)]
    found = [issue for issue in found if all(_matches(issue, *check) for check in checks)]
    seen = [issue for issue in found if not issue.unseen]
    for issue in found:
        issue.unseen = max(issue.unseen - 1, 0)
    return seen


def _matches(issue: Issue, name: str, operator: str, values: list[str]) -> bool:
    held = {
        "key": issue.key,
        "id": issue.id,
        "project": issue.key.rpartition("-")[0],
        "issuetype": issue.kind,
        "summary": str(issue.fields.get("summary", "")),
        "description": str(issue.fields.get("description", "")),
    }[name]
    if operator != "~":
        return held in values
    words = values[0]
    is_phrase = words.startswith('"') and words.endswith('"')
    wanted = [words.strip('"')] if is_phrase else words.split()
    return all(each.lower() in held.lower() for each in wanted)


def _unquoted(raw: str) -> str:
    raw = raw.strip()
    return re.sub(r"\\(.)", r"\1", raw[1:-1]) if raw[:1] == raw[-1:] and raw[:1] in ('"', "'") else raw
