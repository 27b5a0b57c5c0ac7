"""What a plan, or an earlier run, says of its cases."""

from __future__ import annotations

import re

import pytest

from ..errors import AuthError, NotFound, VendorError
from ..model import Outcome
from .desk import Desk
from .subject import Subject
from .transports import Canned


class Planning(Subject):
    """Plans and runs are read to their end, under every spelling of a case."""

    def test_a_plan_holds_its_cases_under_every_spelling_of_a_mark(self, desk: Desk) -> None:
        self._needs("planned")
        plan = self.plan(desk, [self.case(1), self.case(3)])
        cases = list(dict.fromkeys(self.vendor.planned(desk.client(), plan)))
        assert len(cases) == 2
        ours, other, theirs = [{text.casefold() for text in self._resolved(self.case(number))} for number in (1, 2, 3)]
        one, three = [{text.casefold() for text in case.ids} for case in cases]
        assert (bool(ours & one), bool(theirs & three)) == (True, True)
        assert not other & (one | three)
        assert not one & three
        for case in cases:
            for text in case.ids:
                assert {each.casefold() for each in self._resolved(text)} & {each.casefold() for each in case.ids}, text
            assert not case.has_failed

    def test_a_long_plan_is_read_to_its_end(self, desk: Desk) -> None:
        self._needs("planned")
        plan = self.plan(desk, [self.case(number) for number in range(1, 304)])
        cases = list(dict.fromkeys(self.vendor.planned(desk.client(), plan)))
        assert len(cases) == 303
        known = {text.casefold() for case in cases for text in case.ids}
        assert all(self._resolved(self.case(number))[0].casefold() in known for number in range(1, 304))

    def test_a_run_tells_which_of_its_cases_have_failed(self, desk: Desk) -> None:
        self._needs("recorded")
        results = self.results(303)
        desk.write(*results)
        cases = list(dict.fromkeys(self.vendor.recorded(desk.client(), desk.send().run_id)))
        assert len(cases) == 303
        failed = {text.casefold(): case.has_failed for case in cases for text in case.ids}
        told = {
            failed[self._resolved(self.case(at))[0].casefold()]
            for at, each in enumerate(results, 1)
            if each.outcome.is_bad
        }
        assert told == {True}
        good = [at for at, each in enumerate(results, 1) if each.outcome is Outcome.PASSED]
        assert {failed[self._resolved(self.case(at))[0].casefold()] for at in good} == {False}

    def test_an_unknown_plan_and_an_unknown_run_are_called_so_with_a_word_on_what_to_do(self, desk: Desk) -> None:
        self._needs("planned")
        plan = self.plan(desk, [self.case(1)])
        with pytest.raises(NotFound) as caught:
            list(self.vendor.planned(desk.client(), _another(plan)))
        assert caught.value.remedy
        if self.vendor.can("recorded"):
            desk.write(*self.results(1))
            with pytest.raises(NotFound) as caught:
                list(self.vendor.recorded(desk.client(), _another(desk.send().run_id)))
            assert caught.value.remedy

    def test_a_plan_that_may_not_be_read_is_an_error_at_once(self, desk: Desk) -> None:
        self._needs("planned")
        plan = self.plan(desk, [self.case(1)])
        desk.mount.troubles.add("401")
        for method in (self.vendor.planned, self.vendor.recorded):
            if self.vendor.can(method.__name__):
                with pytest.raises(AuthError) as caught:
                    list(method(desk.client(), plan))
                assert caught.value.remedy
        assert desk.time.slept == []

    @pytest.mark.parametrize(
        "body", [b"", b"<html>please log in</html>", b'{"trunc', b"null", b"{}", b'"fine"', b"\xff\xfe"]
    )
    def test_an_answer_that_is_not_the_tools_holds_no_plan(self, desk: Desk, body: bytes) -> None:
        self._needs("planned")
        for method in (self.vendor.planned, self.vendor.recorded):
            if self.vendor.can(method.__name__):
                with pytest.raises(VendorError) as caught:
                    list(method(desk.client(Canned(200, body), deadline_s=60), "7"))
                assert caught.value.remedy


def _another(name: str) -> str:
    """The name of a plan or run of the same form that is not there."""
    if name.isdecimal():
        return str(int(name) + 424_242)
    changed = re.sub("[0-9]", "9", name)
    assert changed != name
    return changed
