"""A project file: what it finds, whose catalogs come first, and what it leaves to others."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.documents.files import ReadBudget
from planner.errors import InputError
from planner.planning.books import Books, layers_of
from planner.scenario.project import find_project, read_project, scenario_files
from tests.conftest import ROOT

HEAD = "schema: planner/project/v1\n"
NODE = (ROOT / "catalogs" / "nodes" / "dgx-h100.yaml").read_text("utf-8")


def project(folder: Path, text: str = "") -> Books:
    (folder / "planner.yaml").write_text(HEAD + text)
    budget = ReadBudget()
    return Books.of(read_project(folder / "planner.yaml", budget=budget), budget)


def layer(folder: Path, rated: str) -> None:
    """Lay a DGX H100 of another power over the built-in one."""
    (folder / "nodes").mkdir(parents=True)
    (folder / "nodes" / "dgx-h100.yaml").write_text(NODE.replace("rated: 10.2 kW", f"rated: {rated}"))


def rated_w(books: Books) -> float:
    power = books.catalog.node("dgx-h100").power
    assert power is not None
    return power.rated.mid


class TestCatalogs:
    def test_entries_of_a_project_come_before_the_built_in_ones_and_hide_no_others(self, tmp_path: Path) -> None:
        layer(tmp_path / "ours", "9 kW")
        books = project(tmp_path, "catalogs: [ours]\n")
        assert rated_w(books) == 9000
        assert books.catalog.node("dgx-a100").accelerators == 8

    def test_of_several_folders_the_first_wins(self, tmp_path: Path) -> None:
        layer(tmp_path / "a", "8 kW")
        layer(tmp_path / "b", "9 kW")
        assert rated_w(project(tmp_path, "catalogs: [a, b]\n")) == 8000

    def test_the_folder_catalogs_counts_where_none_is_named_and_not_where_one_is(self, tmp_path: Path) -> None:
        layer(tmp_path / "catalogs", "7 kW")
        layer(tmp_path / "ours", "9 kW")
        assert rated_w(project(tmp_path)) == 7000
        assert rated_w(project(tmp_path, "catalogs: [ours]\n")) == 9000

    def test_the_built_in_folder_is_not_its_own_upper_layer(self) -> None:
        books = Books.of(read_project(ROOT / "planner.yaml"), ReadBudget())
        assert list(books.catalog.layers) == list(layers_of(()))

    def test_a_link_that_leads_out_of_the_project_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "catalogs").symlink_to("/etc")
        with pytest.raises(InputError, match="path-outside"):
            project(tmp_path)


class TestFinding:
    def test_the_nearest_one_above_counts(self, tmp_path: Path) -> None:
        deep = tmp_path / "a" / "b"
        deep.mkdir(parents=True)
        (tmp_path / "planner.yaml").write_text(HEAD)
        assert find_project(deep) == tmp_path / "planner.yaml"
        (tmp_path / "a" / "planner.yaml").write_text(HEAD)
        assert find_project(deep) == tmp_path / "a" / "planner.yaml"

    def test_a_checkout_is_not_left_in_search_of_one(self, tmp_path: Path) -> None:
        (tmp_path / "planner.yaml").write_text(HEAD)
        (tmp_path / "checkout" / ".git").mkdir(parents=True)
        (tmp_path / "checkout" / "deep").mkdir()
        assert find_project(tmp_path / "checkout" / "deep") is None

    def test_one_that_is_no_file_is_found_and_then_refused(self, tmp_path: Path) -> None:
        (tmp_path / "planner.yaml").symlink_to("nowhere")
        found = find_project(tmp_path)
        assert found is not None
        with pytest.raises(InputError, match="file-missing"):
            read_project(found)


class TestScenarios:
    def files(self, folder: Path, patterns: str) -> list[str]:
        (folder / "planner.yaml").write_text(f"{HEAD}scenarios: {patterns}\n")
        return [str(path.relative_to(folder)) for path in scenario_files(read_project(folder / "planner.yaml"))]

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for name in ("b.yaml", "a.yaml", "more/c.yml", "more/deep/d.yaml", "notes.txt"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text("x: 1\n")
        return tmp_path

    def test_patterns_give_files_by_name_each_once_and_in_their_order(self, folder: Path) -> None:
        assert self.files(folder, "[more/*, a.yaml, '[ab].yaml']") == ["more/c.yml", "a.yaml", "b.yaml"]
        assert self.files(folder, "['more/**/*.yaml']") == ["more/deep/d.yaml"]

    @pytest.mark.parametrize("pattern", ["*.txt", "none/*.yaml", "a.yml"])
    def test_a_pattern_that_matches_nothing_is_refused(self, pattern: str, folder: Path) -> None:
        with pytest.raises(InputError, match="no-scenarios"):
            self.files(folder, f"['{pattern}']")

    @pytest.mark.parametrize("pattern", ["../*.yaml", "/etc/*.yaml", "~/*.yaml", "more/../../*.yaml"])
    def test_a_pattern_that_leaves_the_project_is_refused(self, pattern: str, folder: Path) -> None:
        with pytest.raises(InputError, match="path-outside"):
            self.files(folder, f"['{pattern}']")

    def test_a_link_that_leads_out_of_the_project_is_refused(self, folder: Path) -> None:
        (folder / "link.yaml").symlink_to("/etc/hostname")
        with pytest.raises(InputError, match="path-outside"):
            self.files(folder, "['*.yaml']")

    def test_those_of_this_repository_are_its_examples_and_claims(self) -> None:
        found = scenario_files(read_project(ROOT / "planner.yaml"))
        assert {path.parent.name for path in found} == {"examples", "claims"}
        assert len(found) == len(list((ROOT / "scenarios").glob("*/*.yaml")))


def test_defaults_of_the_project_replace_those_of_the_catalogs_and_leave_the_rest(tmp_path: Path) -> None:
    plain = project(tmp_path)
    changed = project(tmp_path, "defaults: {restart: 30 min, facility_of: {nvidia: finland}}\n")
    assert changed.defaults.restart.mid == 1800
    assert changed.defaults.failure_rate == plain.defaults.failure_rate
    assert changed.defaults.facility_of == {**plain.defaults.facility_of, "nvidia": "finland"}
    assert "restart" in plain.defaults.estimated
    assert "restart" not in changed.defaults.estimated
