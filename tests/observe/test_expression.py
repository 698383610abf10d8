"""An expression can be nothing but one expression."""

from __future__ import annotations

import pytest

from provisioner.observe.expression import is_one_expression


@pytest.mark.parametrize(
    "text",
    ["0", "now()", "'a' || ',;'", "[1, 2]", "(1 + 2) * 3", "1 -- one", "current_date", "{'a': 1}", "a > 1", "a.b"],
)
def test_one_expression_is_one(text: str) -> None:
    assert is_one_expression(text)


@pytest.mark.parametrize(
    "text",
    ["", " -- x", "1), (2", "1) + (2", "1; drop table x", "1, 2", "1 from y", "1 as x", "x int", "1 check (a > 0)",
     "1) CHECK (b > 0", "'open", "((1)", "1 /* open", "1 order by 1"],
)  # fmt: skip
def test_anything_else_is_none(text: str) -> None:
    assert not is_one_expression(text)
