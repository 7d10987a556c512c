"""What other programs print is read as they print it; text that holds nothing is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.bench.comparing import compared_rows
from planner.bench.importing import imported
from planner.errors import InputError
from tests.conftest import Planner

NCCL = """\
# nThread 1 nGpus 8 minBytes 8388608 maxBytes 16777216 step: 2(factor) warmup iters: 5 iters: 20
# Collective test starting: all_reduce_perf
#
#                                                              out-of-place                       in-place
#       size         count      type   redop    root     time   algbw   busbw #wrong     time   algbw   busbw #wrong
#        (B)    (elements)                               (us)  (GB/s)  (GB/s)            (us)  (GB/s)  (GB/s)
     8388608       2097152     float     sum      -1    120.5   69.61  121.82      0    121.0   69.33  121.32      0
    16777216       4194304     float     sum      -1    180.2   93.10  162.93      0    179.9   93.26  163.20      0
# Out of bounds values : 0 OK
"""
NCCOM = """\
$ nccom-test -r 32 -b 8388608 -e 16777216 -f 2 -d bf16 allr
       size(B)    count(elems)      type    time(us)    algbw(GB/s)    busbw(GB/s)
       8388608         4194304      bf16      141.27          59.38         115.05
      16777216         8388608      bf16      204.81          81.92         158.71
Avg bus bandwidth:      136.8800GB/s
"""
MAMF = """\
** Dtype: torch.bfloat16
  1 |  700.5 TFLOPS @ 4096x4096x4096 (MxNxK)
Warming up ...
  2 |  650.0 TFLOPS @ 1024x8192x4096 (MxNxK)
"""
CSV = "m,n,k,dtype,seconds,who\n128,256,512,bf16,1e-5,me\n128,256,512,fp32,0,me\nx,1,1,fp32,1,me\n"


def test_nccl_tests_gives_sizes_and_out_of_place_times() -> None:
    rows = imported(NCCL, format_="nccl-tests", device="8 x H100", date="2026-01-01").rows
    assert [(row.kernel, row.bytes, row.median_s) for row in rows] == [
        ("all-reduce", 8388608.0, pytest.approx(120.5e-6)),
        ("all-reduce", 16777216.0, pytest.approx(180.2e-6)),
    ]


def test_nccom_test_is_read_by_the_names_over_its_columns() -> None:
    rows = imported(NCCOM, format_="nccom-test", device="trn1.32xlarge", date="2026-01-01").rows
    assert [(row.kernel, row.dtype, row.size, row.bytes, row.median_s) for row in rows] == [
        ("all-reduce", "bf16", (4194304, 1), 8388608.0, pytest.approx(141.27e-6)),
        ("all-reduce", "bf16", (8388608, 1), 16777216.0, pytest.approx(204.81e-6)),
    ]


def test_a_collective_that_nobody_names_is_not_guessed() -> None:
    table = NCCOM.split("\n", 1)[1]
    with pytest.raises(InputError, match="import-empty"):
        imported(table, format_="nccom-test", device="trn1.32xlarge", date="2026-01-01")


def test_mamf_finder_gives_products_by_their_rate() -> None:
    first, second = imported(MAMF, format_="mamf-finder", device="H100", date="2026-01-01").rows
    assert first.size == (4096, 4096, 4096)
    assert first.dtype == "bf16"
    assert first.median_s == pytest.approx(2 * 4096**3 / 700.5e12)
    assert second.size == (1024, 8192, 4096)


def test_a_csv_gives_the_rows_that_are_whole_and_positive() -> None:
    (row,) = imported(CSV, format_="kernels-csv", device="x", date="2026-01-01").rows
    assert (row.size, row.dtype, row.median_s) == ((128, 256, 512), "bf16", 1e-5)


@pytest.mark.parametrize(
    ("text", "format_", "said"),
    [
        ("", "nccl-tests", "import-empty"),
        ("a,b\n", "kernels-csv", "import-columns"),
        (NCCL, "nvbench", "import-format"),
    ],
)
def test_text_without_measurements_is_refused(text: str, format_: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        imported(text, format_=format_, device="x", date="2026-01-01")


def test_an_import_is_a_run_that_can_be_shown_and_compared(planner: Planner, tmp_path: Path) -> None:
    printed = tmp_path / "nccl.txt"
    printed.write_text(NCCL, "utf-8")
    run = tmp_path / "run.yaml"
    arguments = ("--format", "nccl-tests", "--device", "8 x H100", "--date", "2026-01-01", "--record", str(run))
    done = planner("bench", "import", str(printed), *arguments)
    assert done.returncode == 0, done.stderr
    shown = planner("bench", "show", str(run))
    assert shown.returncode == 0, shown.stderr
    assert "all-reduce" in shown.stdout
    compared = planner("bench", "compare", str(run), str(run))
    assert "2 same, 0 faster, 0 slower, 0 unclear" in compared.stdout


def test_only_cases_of_both_runs_are_compared() -> None:
    run = imported(NCCL, format_="nccl-tests", device="x", date="2026-01-01")
    other = run.model_copy(update={"rows": run.rows[:1]})
    assert [change.case for change in compared_rows(run, other)] == [run.rows[0].case]
