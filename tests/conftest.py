"""What all tests share: the command, in this process and in its own, reproducible properties, what may be skipped.

A test marked `oracle` needs torch and transformers, one marked `browser` a headless Chromium; where they
are missing it is skipped. `PLANNER_REQUIRE=oracle,browser` forbids that: any skipped test then fails the run.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

from planner import cli
from planner.documents import reader

ROOT = Path(__file__).resolve().parent.parent
REQUIRED = frozenset(os.environ.get("PLANNER_REQUIRE", "").replace(",", " ").split())
NEEDS = {"oracle": ("torch", "transformers"), "browser": ("playwright",)}

# The same examples in every run: a red test is red again, and CI never fails by luck.
settings.register_profile("planner", derandomize=True, deadline=None, database=None, print_blob=True)
settings.load_profile("planner")

Planner = Callable[..., subprocess.CompletedProcess[str]]

# Thousands of tests read the same catalogs. What a text is parsed to depends on nothing but the text and its name,
# and nothing changes a tree, so that each text of a file is parsed once for all tests of a process.
reader.parse_yaml = cache(reader.parse_yaml)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Look for examples in the package's docstrings, but not in scripts that stand beside the tests."""
    beside = collection_path.suffix == ".py" and collection_path.is_relative_to(ROOT / "tests")
    return True if beside and not collection_path.name.startswith(("test_", "conftest")) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for mark, modules in NEEDS.items():
        missing = [name for name in modules if importlib.util.find_spec(name) is None]
        for item in items if missing else ():
            if item.get_closest_marker(mark):
                item.add_marker(pytest.mark.skip(reason=f"needs {', '.join(missing)}"))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that was told to skip nothing and did."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if REQUIRED and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line(f"skipped, although PLANNER_REQUIRE={','.join(sorted(REQUIRED))}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[object]:
    """Measure no coverage of a test that is marked so: it runs lines that others run too, thousands of times."""
    tracer = sys.gettrace()
    if item.get_closest_marker("unmeasured"):
        sys.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(tracer)


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the repository."""
    return ROOT


def plain_environment(**changes: str) -> dict[str, str]:
    """Give the environment of a plain terminal: no coverage measurement, nobody's colours or width."""
    dropped = ("COVERAGE_", "PLANNER_", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "PYTHON")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    return {**kept, "TERM": "dumb", **changes}


@contextlib.contextmanager
def plain_terminal(folder: Path | None = None) -> Iterator[None]:
    """Work in a folder and in the environment of a plain terminal."""
    here, before = Path.cwd(), dict(os.environ)
    os.chdir(folder or here)
    for name in before.keys() - plain_environment().keys():
        del os.environ[name]
    os.environ["TERM"] = "dumb"
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        os.chdir(here)


def called(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command in this process; give its exit code and what it wrote, as a process of its own would."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with plain_terminal(cwd), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.run(list(arguments))
    told = [stream.buffer.getvalue().decode("utf-8") for stream in (out, err)]
    return subprocess.CompletedProcess(arguments, code, *told)


@pytest.fixture(scope="session")
def planner() -> Planner:
    """The command in this process, as `planner(*arguments, cwd=...)`; never raises on its exit code."""
    return called


@pytest.fixture(scope="session")
def process() -> Planner:
    """The command in a process of its own, as `process(*arguments, cwd=..., env=..., measured=True)`.

    For what only an interpreter's start decides: encodings, hash seeds, locales, how it ends. Its coverage is measured
    only where that is asked for: it takes as long again.
    """

    def run(
        *arguments: str, cwd: Path | None = None, env: dict[str, str] | None = None, measured: bool = False
    ) -> object:
        coverage = {key: value for key, value in os.environ.items() if measured and key.startswith("COVERAGE_")}
        same = {"PYTHONPATH": str(ROOT)}  # the planner under test, installed or not
        return subprocess.run(
            [sys.executable, "-m", "planner", *arguments],
            cwd=cwd,
            env={**plain_environment(), **coverage, **same, **(env or {})},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
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
