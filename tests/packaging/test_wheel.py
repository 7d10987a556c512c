"""What travels in the wheel: the package, and every catalog, scenario and schema of the repository."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

from planner import __version__
from planner.cli import COMMANDS
from tests.conftest import ROOT, plain_environment

CARRIED = {
    "catalogs": "planner/data/catalogs",
    "scenarios": "planner/data/scenarios",
    "docs/schemas": "planner/data/schemas",
}


def build(kind: str, folder: Path) -> Path:
    """Build a distribution with the backend that is installed; nothing is fetched."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    subprocess.run(command, check=True, cwd=ROOT, env=plain_environment(), capture_output=True, timeout=120)
    (made,) = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


def files_of(folder: Path) -> set[str]:
    """Give the files of a folder that belong to the project: none that a run left there."""
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(folder)) for path in found if not path.name.startswith(".")}


def test_catalogs_scenarios_and_schemas_travel_whole(wheel: Path) -> None:
    packed = set(zipfile.ZipFile(wheel).namelist())
    for source, target in CARRIED.items():
        expected = files_of(ROOT / source)
        assert expected
        assert {name.removeprefix(f"{target}/") for name in packed if name.startswith(f"{target}/")} == expected


def test_their_content_is_that_of_the_repository(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for source, target in CARRIED.items():
            for name in sorted(files_of(ROOT / source)):
                assert archive.read(f"{target}/{name}") == (ROOT / source / name).read_bytes(), name


def test_every_module_travels_and_nothing_else(wheel: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if not name.startswith("planner/data/")}
    modules = {f"planner/{name}" for name in files_of(ROOT / "planner")}
    assert modules <= packed
    assert all(".dist-info/" in name for name in packed - modules)


def test_the_wheel_says_who_it_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (about,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
        (entry,) = [name for name in archive.namelist() if name.endswith("/entry_points.txt")]
        said = HeaderParser().parsestr(archive.read(about).decode())
        commands = archive.read(entry).decode()
    assert said["Name"] == "accelerator-planner"
    assert said["Version"] == __version__
    assert said["License-Expression"] == "Apache-2.0"
    assert said["Requires-Python"] == ">=3.11"
    assert "planner = planner.cli:main" in commands


def test_the_source_distribution_holds_what_builds_and_tests_it(tmp_path: Path) -> None:
    import tarfile

    with tarfile.open(build("sdist", tmp_path)) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    for needed in ("pyproject.toml", "Makefile", "README.md", "LICENSE", "requirements/test.lock", "tests/conftest.py"):
        assert needed in names
    assert {f"catalogs/{name}" for name in files_of(ROOT / "catalogs")} <= names


def test_every_command_that_help_names_has_its_module() -> None:
    missing = [
        name for name, (module, _) in COMMANDS.items() if not (ROOT / f"{module.replace('.', '/')}.py").is_file()
    ]
    assert missing == []


def test_users_get_ranges_and_no_pins() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert not [requirement for requirement in project["dependencies"] if "==" in requirement]
    assert all(">=" in requirement for requirement in project["dependencies"])
