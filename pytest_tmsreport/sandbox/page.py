"""The page that shows a person what arrived."""

from __future__ import annotations

from collections.abc import Iterable

from jinja2 import Environment

from .box import Box

_PAGE = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string("""\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>tmsreport sandbox</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem; }
table { border-collapse: collapse; margin-bottom: 1rem; }
td, th { border: 1px solid #ccc; padding: .2rem .6rem; text-align: left; vertical-align: top; }
</style>
{% for box, runs in shown %}
<h1>{{ box.vendor }}</h1>
{% for run in runs %}
<h2>{{ run.title }} <small>(run {{ run.id }}, {{ "completed" if run.end is not none else "open" }})</small></h2>
<table>
<tr><th>result</th><th>status</th><th>cases</th></tr>
{% for result in box.results_of(run.id) %}
<tr><td>{{ result.title }}</td><td>{{ result.status }}</td><td>{{ result.cases | join(", ") }}</td></tr>
{% endfor %}
</table>
{% else %}
<p>No such run has arrived.</p>
{% endfor %}
<p>{{ box.requests | length }} requests, {{ box.attachments | length }} files, {{ box.refusals | length }} refusals</p>
{% endfor %}
</html>
""")


def render(boxes: Iterable[Box], run_id: str = "") -> str:
    """HTML with the runs of each box, or with the one of that id."""
    shown = []
    for box in boxes:
        with box.lock:
            shown.append((box, [run for run in box.runs.values() if run_id in ("", run.id)]))
    return _PAGE.render(shown=shown)
