"""What Kiwi TCMS's runs are about: products, versions, builds, plans and cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .kiwi_forms import Forms
from .kiwi_store import Row, columns


class Cases:
    """The methods that make and change them."""

    def __init__(self, forms: Forms) -> None:
        self._forms = forms
        self._store = forms.store

    def table(self) -> dict[str, Callable[..., Any]]:
        """The methods by name."""
        return {
            "Classification.create": lambda values: self._forms.new("Classification", values),
            "PlanType.create": lambda values: self._forms.new("PlanType", {"description": "", **values}),
            "Product.create": self.add_product,
            "Version.create": self._version,
            "Build.create": lambda values: self._forms.new("Build", {"is_active": True, **values}),
            "Category.create": lambda values: self._forms.new("Category", {"description": "", **values}),
            "TestPlan.create": self._plan,
            "TestPlan.add_case": self._add_to_plan,
            "TestCase.create": self.add_case,
            "TestCase.update": self._update_case,
            "TestCase.sortkeys": self._sortkeys,
        }

    def add_product(self, values: Row) -> Row:
        """A product, with the category and the version that the server gives it."""
        made = self._forms.new("Product", {"description": "", **values})
        self._store.add("Category", name="--default--", product=made["id"], description="")
        self._version({"product": made["id"], "value": "unspecified"})
        return made

    def add_case(self, values: Row) -> Row:
        """A case."""
        fixed = {"is_automated": False, "script": "", "arguments": "", "extra_link": None, "requirement": None}
        more = {"notes": "", "text": "", "setup_duration": None, "testing_duration": None, "author": self._forms.user}
        own = {**fixed, **more, "default_tester": None, "reviewer": None, **values, "create_date": self._forms.now()}
        return {**self._forms.new("TestCase", own), "setup_duration": "None", "testing_duration": "None"}

    def _version(self, values: Row) -> Row:
        name = self._store.get("Product", values.get("product"))["name"]
        made = self._forms.new("Version", {**values, "product__name": name})
        self._store.add("Build", name="unspecified", version=made["id"], is_active=True)
        return columns(made, "id", "value", "product")

    def _plan(self, values: Row) -> Row:
        fixed = {"parent": None, "text": "", "is_active": True, "extra_link": None, "author": self._forms.user}
        return self._forms.new("TestPlan", {**fixed, **values, "create_date": self._forms.now()})

    def _add_to_plan(self, plan_id: int, case_id: int) -> Row:
        plan, case = self._store.get("TestPlan", plan_id), self._store.get("TestCase", case_id)
        pairs = self._store.pairs["plan case"]
        key = pairs.setdefault((plan["id"], case["id"]), 10 * len(pairs))
        return {**case, "sortkey": key}

    def _sortkeys(self, query: Mapping[str, Any]) -> dict[str, int]:
        pairs = self._store.pairs["plan case"].items()
        return {str(case): key for (plan, case), key in pairs if plan == query.get("plan")}

    def _update_case(self, case_id: int, values: Row) -> Row:
        row = self._store.get("TestCase", case_id)
        row.update(values)
        return dict(row)
