"""Wrong scenarios through the real command: refused with the place, what is allowed, and the right exit code."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from planner import cli

GOOD = """\
schema: planner/scenario/v1
name: small
workload:
  kind: training
  model: llama-3.1-405b
  tokens: 15.6 T
  sequence_length: 8192
  global_batch: 2048 sequences
hardware: {node: dgx-h100, accelerators: 16384, term: owned}
framework: torchtitan
parallelism: {tensor: 8, pipeline: 16, interleave: 8, embedding_and_head_are_layers: true, sharding: zero-2}
"""
AUTO = GOOD[: GOOD.index("parallelism")] + "parallelism: auto\n"

Estimate = Callable[..., tuple[int, str]]


@pytest.fixture
def estimate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Estimate:
    """Run `planner estimate` on a text; give its exit code and what it says on stderr."""

    def run(text: str, *options: str, name: str = "scenario.yaml") -> tuple[int, str]:
        file = tmp_path / name
        file.write_text(text)
        code = cli.run(["estimate", str(file), *options])
        told = capsys.readouterr()
        assert (told.out == "") == (code != 0)
        assert "Traceback" not in told.err
        return code, told.err

    return run


def changed(old: str, new: str, text: str = GOOD) -> str:
    assert text.count(old) == 1
    return text.replace(old, new)


def test_the_scenario_that_the_others_spoil_is_good(estimate: Estimate) -> None:
    assert estimate(GOOD) == (0, "")


class TestFiles:
    @pytest.mark.parametrize("name", ["missing.yaml", ".", "fifo", "/dev/null", "/dev/zero", "x" * 300, "planner.yaml"])
    def test_what_is_no_scenario_file(
        self, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.chdir(tmp_path)
        os.mkfifo("fifo")
        assert cli.run(["estimate", name]) == 2
        assert "[" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", "yaml-empty"),
            ("---\n", "yaml-empty"),
            ("[]\n", "not-a-map"),
            ("just text\n", "not-a-map"),
            ("a: 1\n", "schema-missing"),
            ("schema: planner/node/v1\n", "schema-unknown"),
            ("schema: planner/scenario/v1\n", "missing-key"),
            ("schema: planner/scenario/v1\nworkload: {kind: trainng}\n", "unknown-value"),
            (GOOD + "name: twice\n", "yaml-duplicate-key"),
            (GOOD + "x-a: &a [1]\nx-b: *a\n", "yaml-anchor"),
            (GOOD + "x-a: !!python/name:os.system\n", "yaml-tag"),
            ("[" * 100_000 + "]" * 100_000, "yaml-too-deep"),
        ],
    )
    def test_documents_that_are_none(self, text: str, expected: str, estimate: Estimate) -> None:
        code, said = estimate(text)
        assert code == 2
        assert f"[{expected}]" in said


class TestValues:
    @pytest.mark.parametrize("tokens", ["1e12", "1.0e12", "1e+12", "989e9", "1 T", "{low: 1 T, mid: 2 T, high: 3 T}"])
    def test_numbers_in_any_spelling(self, tokens: str, estimate: Estimate) -> None:
        assert estimate(changed("15.6 T", tokens)) == (0, "")

    @pytest.mark.parametrize(
        "tokens",
        [
            *("on", "no", "12:30:45", "2026-01-01", "010", "0777", "1_000", ".nan", ".inf", "9" * 5000, "0x10", "''"),
            *("0", "-5 T", "1e400", "1e-400", "1e-310", "1e-30", "0.5", "9" * 20, "1e39", "nan", "inf", "true"),
            *("5 GB", "5 T T", "[1 T]", "{low: 3 T, mid: 2 T, high: 4 T}", "{low: 1 T}", "{low: 1 T, high: 2 T}"),
        ],
    )
    def test_what_is_no_number_of_tokens(self, tokens: str, estimate: Estimate) -> None:
        code, said = estimate(changed("15.6 T", tokens))
        assert code == 2
        assert "scenario.yaml:6:" in said

    @pytest.mark.parametrize("count", ["0", "-8", "8.5", "1e400", "10000000000000000000", "1e19", "many", "16384 GB"])
    def test_what_is_no_number_of_accelerators(self, count: str, estimate: Estimate) -> None:
        code, said = estimate(changed("accelerators: 16384", f"accelerators: {count}"))
        assert code == 2
        assert "scenario.yaml:9:" in said

    def test_all_wrong_keys_are_told_at_once_with_their_nearest(self, estimate: Estimate) -> None:
        text = changed("framework:", "framwork:").replace("tokens:", "tokns:").replace("term:", "Term:")
        code, said = estimate(text)
        assert code == 2
        for place, meant in (("6:3", "tokens"), ("9:49", "term"), ("10:1", "framework")):
            assert f"scenario.yaml:{place}: unknown key" in said
            assert f"did you mean '{meant}'" in said

    @pytest.mark.parametrize(
        ("old", "new", "meant"),
        [
            ("dgx-h100", "dgx-h10", "dgx-h100"),
            ("llama-3.1-405b", "llama-3.1-450b", "llama-3.1-405b"),
            ("torchtitan", "torchtitn", "torchtitan"),
            ("owned", "ownd", "owned"),
            ("zero-2", "zero2", "zero-2"),
        ],
    )
    def test_unknown_names_are_told_with_their_nearest(
        self, old: str, new: str, meant: str, estimate: Estimate
    ) -> None:
        code, said = estimate(changed(old, new))
        assert code == 2
        assert f"'{meant}'" in said

    def test_all_unknown_names_are_told_at_once(self, estimate: Estimate) -> None:
        text = changed("dgx-h100", "dgx-h10").replace("llama-3.1-405b", "llama-3.1-450b").replace("titan", "titn")
        code, said = estimate(text.replace("term: owned", "term: owned, facility: aws-us-est-1"))
        assert code == 2
        for meant in ("dgx-h100", "llama-3.1-405b", "torchtitan", "aws-us-east-1"):
            assert f"'{meant}'" in said

    @pytest.mark.parametrize("name", ["../../../etc/passwd", "/etc/passwd", "a\\b", "*", "", "x" * 10_000, "a\tb"])
    def test_names_are_never_paths(self, name: str, estimate: Estimate) -> None:
        code, said = estimate(changed("dgx-h100", f'"{name}"'.replace("\\", "\\\\").replace("\t", "\\t")))
        assert code == 2
        assert "[unknown-name]" in said
        assert max(map(len, said.splitlines())) < 400


class TestContradictions:
    @pytest.mark.parametrize(
        ("old", "new", "says"),
        [
            ("tensor: 8", "tensor: 3", "1, 2, 4, 8, 16, 32, 64, 128"),
            ("tensor: 8", "tensor: 8, data: 100", "data: 128"),
            ("pipeline: 16", "pipeline: 256", "at most 126"),
            ("2048 sequences", "100 sequences", "128"),
            ("16384", "1000", "128"),
        ],
    )
    def test_are_told_with_what_would_work(self, old: str, new: str, says: str, estimate: Estimate) -> None:
        code, said = estimate(changed(old, new))
        assert code == 2
        assert "[contradiction]" in said
        assert says in said

    @pytest.mark.parametrize(("old", "new"), [("16384", "8"), ("16384", "1"), ("2048 sequences", "1 sequences")])
    def test_where_the_planner_chooses_there_is_no_strategy(self, old: str, new: str, estimate: Estimate) -> None:
        assert estimate(changed(old, new, AUTO))[0] == 3

    def test_what_does_not_fit_says_by_how_much(self, estimate: Estimate) -> None:
        code, said = estimate(changed("8192", "131072"))
        assert code == 3
        assert "GiB" in said


class TestExtends:
    def test_a_base_is_taken_over_and_faults_in_it_point_into_it(self, tmp_path: Path, estimate: Estimate) -> None:
        (tmp_path / "base.yaml").write_text(GOOD)
        top = "schema: planner/scenario/v1\nextends: base.yaml\nname: top\n"
        assert estimate(top) == (0, "")
        (tmp_path / "base.yaml").write_text(changed("15.6 T", "15.6 GB"))
        code, said = estimate(top)
        assert code == 2
        assert "base.yaml:6:11" in said

    def test_a_base_that_is_not_there(self, estimate: Estimate) -> None:
        code, said = estimate("schema: planner/scenario/v1\nextends: base.yaml\n")
        assert (code, "base.yaml" in said, "[file-missing]" in said) == (2, True, True)

    def test_a_circle_names_its_chain(self, tmp_path: Path, estimate: Estimate) -> None:
        (tmp_path / "b.yaml").write_text("schema: planner/scenario/v1\nextends: scenario.yaml\n")
        code, said = estimate("schema: planner/scenario/v1\nextends: b.yaml\n")
        assert code == 2
        assert "[extends-cycle]" in said
        assert said.index("scenario.yaml ->") < said.index("-> ", said.index("b.yaml ->") + 1)

    def test_a_file_that_extends_itself_through_a_link(self, tmp_path: Path, estimate: Estimate) -> None:
        (tmp_path / "link.yaml").symlink_to("scenario.yaml")
        code, said = estimate("schema: planner/scenario/v1\nextends: link.yaml\n")
        assert (code, "[extends-cycle]" in said) == (2, True)

    def test_a_chain_is_bounded_and_the_bound_is_readable(self, tmp_path: Path, estimate: Estimate) -> None:
        (tmp_path / "4.yaml").write_text(GOOD)
        for here in (3, 2, 1):
            (tmp_path / f"{here}.yaml").write_text(f"schema: planner/scenario/v1\nextends: {here + 1}.yaml\n")
        top = "schema: planner/scenario/v1\nextends: 1.yaml\n"
        assert estimate(top)[0] == 0
        (tmp_path / "5.yaml").write_text(GOOD)
        (tmp_path / "4.yaml").write_text("schema: planner/scenario/v1\nextends: 5.yaml\n")
        code, said = estimate(top)
        assert (code, "[extends-deep]" in said, "1.yaml" in said, "4.yaml" in said) == (2, True, True, True)

    @pytest.mark.parametrize(
        "path",
        [
            *(
                "../../etc/passwd",
                "/etc/passwd",
                "~/x.yaml",
                "C:\\x.yaml",
                "\\\\server\\x.yaml",
                "a\\0b.yaml",
                "x" * 300,
            ),
            *("sub/../../outside.yaml", "link-out.yaml", "folder-out/outside.yaml", ""),
        ],
    )
    def test_nothing_outside_the_folder_is_read(self, path: str, tmp_path: Path, estimate: Estimate) -> None:
        outside = tmp_path.parent / f"{tmp_path.name}-outside"
        outside.mkdir()
        (outside / "outside.yaml").write_text(GOOD)
        (tmp_path / "sub").mkdir()
        (tmp_path / "link-out.yaml").symlink_to(outside / "outside.yaml")
        (tmp_path / "folder-out").symlink_to(outside)
        quoted = path if path == "a\\0b.yaml" else path.replace("\\", "\\\\")
        code, said = estimate(f'schema: planner/scenario/v1\nextends: "{quoted}"\n')
        assert code == 2
        assert "scenario.yaml:2:10" in said
        assert "root:" not in said

    def test_a_base_of_another_case_is_another_file(self, tmp_path: Path, estimate: Estimate) -> None:
        (tmp_path / "base.yaml").write_text(GOOD)
        if (tmp_path / "BASE.yaml").exists():
            pytest.skip("this file system knows no case")
        assert estimate("schema: planner/scenario/v1\nextends: BASE.yaml\n")[0] == 2


class TestMoney:
    def test_a_price_of_nothing_is_refused(self, estimate: Estimate) -> None:
        code, said = estimate(changed("term: owned", "term: on-demand, price: 0 USD/h"))
        assert code == 2
        assert "scenario.yaml:9:" in said

    def test_a_price_that_nobody_published_is_unknown_and_not_nothing(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        import json

        file = tmp_path / "scenario.yaml"
        file.write_text(changed("term: owned", "term: spot"))
        code = cli.run(["estimate", str(file), "--output", "json=-"])
        told = capsys.readouterr()
        if code == 2:
            assert "[no-spot]" in told.err or "[unknown-price]" in told.err
            return
        metrics = json.loads(told.out)["metrics"]
        assert metrics["cost_total_usd"] is None
        assert metrics["accelerator_hours"]["mid"] > 0
