"""docs/serving.md tells the errors of the fit that the profile holds, and names tests and modules that exist."""

from __future__ import annotations

import re

from planner.catalog.store import Catalog
from planner.report.serving_errors import with_table
from tests.conftest import ROOT

TEXT = (ROOT / "docs" / "serving.md").read_text("utf-8")


def test_errors_are_those_of_the_profile() -> None:
    assert with_table(TEXT, Catalog().profile("serving")) == TEXT


def test_every_module_and_test_that_is_named_is_there() -> None:
    for name in set(re.findall(r"`(test_\w+\.py)`", TEXT)):
        assert (ROOT / "tests" / "serving" / name).is_file(), name
    for name in set(re.findall(r"`(\w+\.py)`", TEXT)) - set(re.findall(r"`(test_\w+\.py)`", TEXT)):
        assert (ROOT / "planner" / "serving" / name).is_file(), name
