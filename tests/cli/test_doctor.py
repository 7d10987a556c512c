"""`planner doctor`: what it finds, in this installation and in broken ones that are made here."""

from __future__ import annotations

import base64
import hashlib
import sys
from pathlib import Path

import pytest

from planner.cli import doctor, run
from tests.conftest import Planner


def by_subject() -> dict[str, doctor.Finding]:
    return {finding.subject.strip(): finding for finding in doctor.findings()}


def site_with(folder: Path, name: str, version: str, modules: dict[str, str], *, hashed: dict[str, str]) -> None:
    """Make an installed distribution in a folder, whose record holds the hashes of the texts in `hashed`."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    record = []
    for path, text in modules.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
        digest = base64.urlsafe_b64encode(hashlib.sha256(hashed[path].encode()).digest()).rstrip(b"=").decode()
        record.append(f"{path},sha256={digest},{len(text)}")
    (info / "RECORD").write_text("\n".join(record))


def test_this_installation_works_and_says_what_it_found(process: Planner) -> None:
    done = process("doctor")
    assert done.returncode == 0, done.stdout
    for subject in ("Python", "pydantic", "numpy", "catalogs", "accelerators", "output"):
        assert subject in done.stdout
    assert "FAILED" not in done.stdout
    assert done.stdout.endswith("The planner can work here.\n")


def test_the_other_project_of_the_same_name_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site_with(tmp_path, "planner", "9.9", {}, hashed={})
    monkeypatch.syspath_prepend(str(tmp_path))
    found = by_subject()["namesake"]
    assert found.state == doctor.NOTE
    assert "9.9" in found.found
    assert "keep one" in found.advice


def test_without_the_other_project_nothing_is_said_of_it() -> None:
    assert "namesake" not in by_subject()


def test_files_that_another_project_wrote_over_keep_the_planner_from_working(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    modules = {"planner/__init__.py": "ours = False\n", "planner/units.py": "ours = True\n"}
    installed = {"planner/__init__.py": "ours = True\n", "planner/units.py": "ours = True\n"}
    site_with(tmp_path, "accelerator-planner", "0.1.0", modules, hashed=installed)
    monkeypatch.syspath_prepend(str(tmp_path))
    found = by_subject()["planner"]
    assert found.state == doctor.FAILED
    assert "planner/__init__.py" in found.advice
    assert run(["doctor"]) == 2
    assert "cannot work here" in capsys.readouterr().out


def test_another_version_than_the_installed_one_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site_with(tmp_path, "accelerator-planner", "0.0.1", {}, hashed={})
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "0.0.1" in by_subject()["planner"].advice


@pytest.mark.parametrize("breakage", ["raise ImportError('libblas.so is missing')", "1 / 0"])
def test_a_broken_package_is_told_with_the_command_that_mends_it(
    breakage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "jinja2.py").write_text(breakage + "\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "jinja2", raising=False)
    found = by_subject()["jinja2"]
    monkeypatch.delitem(sys.modules, "jinja2", raising=False)
    assert found.state == doctor.FAILED
    assert "pip install" in found.advice


def test_extras_that_are_missing_are_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "EXTRAS", {"report": (("no_such_module",), "charts")})
    found = by_subject()["[report]"]
    assert found.state == doctor.NOTE
    assert "accelerator-planner[report]" in found.advice


def test_missing_catalogs_keep_the_planner_from_working(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planner.catalog.folders.built_in", lambda: tmp_path)
    assert by_subject()["catalogs"].state == doctor.FAILED


def test_an_old_python_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "OLDEST", (99, 0))
    assert by_subject()["Python"].advice.startswith("the planner is tested with")
