"""What all tests share: the real command, reproducible properties, and which tests a machine may skip.

A test marked `oracle` needs torch and transformers, one marked `browser` a headless Chromium; where they
are missing it is skipped. `PLANNER_REQUIRE=oracle,browser` forbids that: any skipped test then fails the run.
"""

from __future__ import annotations

import importlib.util
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
REQUIRED = frozenset(os.environ.get("PLANNER_REQUIRE", "").replace(",", " ").split())
NEEDS = {"oracle": ("torch", "transformers"), "browser": ("playwright",)}

# The same examples in every run: a red test is red again, and CI never fails by luck.
settings.register_profile("planner", derandomize=True, deadline=None, database=None, print_blob=True)
settings.load_profile("planner")

Planner = Callable[..., subprocess.CompletedProcess[str]]


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Look for examples in the package's docstrings, but not in scripts that stand beside the tests."""
    beside = collection_path.suffix == ".py" and collection_path.is_relative_to(ROOT / "tests")
    return True if beside and not collection_path.name.startswith(("test_", "conftest")) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for mark, modules in NEEDS.items():
            missing = [name for name in modules if importlib.util.find_spec(name) is None]
            if missing and item.get_closest_marker(mark):
                item.add_marker(pytest.mark.skip(reason=f"needs {', '.join(missing)}"))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that was told to skip nothing and did."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if REQUIRED and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line(f"skipped, although PLANNER_REQUIRE={','.join(sorted(REQUIRED))}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the repository."""
    return ROOT


def plain_environment(**changes: str) -> dict[str, str]:
    """Give the environment of a plain terminal: no coverage measurement, nobody's colours or width."""
    dropped = ("COVERAGE_", "PLANNER_", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "PYTHON")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    return {**kept, "TERM": "dumb", **changes}


@pytest.fixture(scope="session")
def planner() -> Planner:
    """The real command, as `planner(*arguments, cwd=..., env=..., input=...)`; never raises on its exit code."""

    def run(*arguments: str, cwd: Path | None = None, env: dict[str, str] | None = None, **options: object) -> object:
        measured = {key: value for key, value in os.environ.items() if key.startswith("COVERAGE_")}
        same = {"PYTHONPATH": str(ROOT)}  # the planner under test, installed or not
        return subprocess.run(
            [sys.executable, "-m", "planner", *arguments],
            cwd=cwd,
            env={**plain_environment(), **measured, **same, **(env or {})},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            **options,
        )

    return run


REFERENCE_IMPORT_S = 0.272


def cpu_seconds(*arguments: str) -> float:
    """Give the user and system time of one run of the interpreter."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=ROOT,
        env=plain_environment(),
        timeout=60,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def slowness() -> float:
    """Give how much longer this core takes than the one that limits of time are stated for; at least 1.

    That core imports pandas in 272 ms of processor time.
    """
    return max(1.0, cpu_seconds("-c", "import pandas") / REFERENCE_IMPORT_S)


@pytest.fixture(scope="session")
def slow() -> float:
    """How much longer this core takes than the one that limits of time are stated for, best of three."""
    return min(slowness() for _ in range(3))
