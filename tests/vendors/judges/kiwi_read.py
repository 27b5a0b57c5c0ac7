"""The package tcms-api as a judge: reads back what a Kiwi TCMS server holds of a product; nothing of ours is here.

Reads `{"url": …, "user": …, "password": …, "product": …}` from stdin and writes runs, executions and cases as JSON to
stdout.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from tcms_api import TCMS  # type: ignore[import-not-found]


def read(told: dict[str, Any]) -> dict[str, Any]:
    """All of a product: its cases, plans and runs, and the executions with comments and links."""
    rpc = TCMS(told["url"], told["user"], told["password"]).exec
    product = {"name": told["product"]}
    plans = rpc.TestPlan.filter({"product__name": told["product"]})
    runs = []
    for run in rpc.TestRun.filter({"plan__product__name": told["product"]}):
        executions = [
            {
                "case": row["case__summary"],
                "status": row["status__name"],
                "seconds": row["actual_duration"],
                "comments": [each["comment"] for each in rpc.TestExecution.get_comments(row["id"])],
                "links": [
                    [each["url"], each["is_defect"]] for each in rpc.TestExecution.get_links({"execution": row["id"]})
                ],
            }
            for row in rpc.TestExecution.filter({"run": run["id"]})
        ]
        tags = [tag["name"] for tag in rpc.Tag.filter({"run": run["id"]})]
        named = {key: run[key] for key in ("id", "summary", "notes", "build__name", "plan__name", "manager__username")}
        runs.append({**named, "is_ended": run["stop_date"] is not None, "tags": tags, "executions": executions})
    cases = rpc.TestCase.filter({"category__product__name": told["product"]})
    return {
        "products": len(rpc.Product.filter(product)),
        "plans": [plan["name"] for plan in plans],
        "in plans": sum(len(rpc.TestCase.filter({"plan": plan["id"]})) for plan in plans),
        "cases": [[case["summary"], case["script"], case["text"], case["case_status__name"]] for case in cases],
        "runs": runs,
    }


json.dump(read(json.load(sys.stdin)), sys.stdout)
