"""The locks: everything pinned and hashed, nothing about where it was found, for every supported Python."""

from __future__ import annotations

import re
import tomllib
from itertools import combinations
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
EXTRAS = {"browser": ("browser", "report"), "lint": ("lint",), "test": ("test",)}
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = ("linux", "darwin")


def pins(lock: Path) -> list[tuple[Requirement, list[str]]]:
    """Give every pinned requirement of a lock with its hashes."""
    text = re.sub(r"\\\n\s*", " ", lock.read_text("utf-8"))
    found = []
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            requirement, *hashes = line.split("--hash=")
            found.append((Requirement(requirement.strip()), [h.strip() for h in hashes]))
    return found


def applies(requirement: Requirement, python: str, platform: str) -> bool:
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": platform,
        "platform_system": {"linux": "Linux", "darwin": "Darwin"}[platform],
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
        "os_name": "posix",
        "extra": "",
    }
    return requirement.marker is None or requirement.marker.evaluate(environment)


def wanted(*extras: str) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lists = [project["dependencies"], *(project["optional-dependencies"][extra] for extra in extras)]
    return {canonicalize_name(Requirement(text).name) for requirements in lists for text in requirements}


def test_there_is_a_lock_for_the_tests_one_for_the_linters_and_one_for_the_browser() -> None:
    assert [lock.stem for lock in LOCKS] == ["browser", "lint", "test"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_requirement_is_pinned_and_hashed(lock: Path) -> None:
    assert pins(lock)
    for requirement, hashes in pins(lock):
        (version,) = requirement.specifier
        assert version.operator == "=="
        assert requirement.url is None
        assert hashes
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in hashes)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_no_lock_says_where_packages_were_found(lock: Path) -> None:
    text = lock.read_text("utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*(-i|-f|--index-url|--extra-index-url|--find-links)\b", text, re.MULTILINE)


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_holds_all_that_is_needed_once_on_every_python(lock: Path, platform: str, python: str) -> None:
    names = [canonicalize_name(r.name) for r, _ in pins(lock) if applies(r, python, platform)]
    assert len(names) == len(set(names))
    assert wanted(*EXTRAS[lock.stem]) <= set(names)


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_locks_agree_on_what_they_share(python: str, platform: str) -> None:
    chosen = [
        {canonicalize_name(r.name): str(r.specifier) for r, _ in pins(lock) if applies(r, python, platform)}
        for lock in LOCKS
    ]
    for one, other in combinations(chosen, 2):
        shared = one.keys() & other.keys()
        assert len(shared) > 10
        assert {name: (one[name], other[name]) for name in shared if one[name] != other[name]} == {}


def test_no_lock_pulls_gigabytes() -> None:
    names = {canonicalize_name(requirement.name) for lock in LOCKS for requirement, _ in pins(lock)}
    assert not names & {"torch", "transformers", "jax", "tensorflow"}
    plain = {canonicalize_name(r.name) for lock in LOCKS if lock.stem != "browser" for r, _ in pins(lock)}
    assert not plain & {"vl-convert-python", "playwright"}
    assert not [name for name in names if name.startswith("nvidia-")]
