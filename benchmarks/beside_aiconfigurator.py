"""aiconfigurator and the planner on the same closed-loop measurements, and the processor time each takes.

    python benchmarks/beside_aiconfigurator.py --python OTHER/bin/python [--rows 120]

OTHER is an environment of its own with `aiconfigurator` in it. Rows are drawn by a fixed seed from those of one pool of
workers; what a row states is passed on as it stands. aiconfigurator takes the release that it has tables for and that
is nearest below the row's, or its newest. Errors are |ln(predicted / measured)| of the rows that both answer.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

TABLE = Path(__file__).resolve().parent.parent / "catalogs/measurements/serving_closed_loop.csv"
SEED = 20261129
METRICS = ("tpot_ms", "ttft_ms")
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
Row = dict[str, str]


def drawn(count: int) -> tuple[list[str], list[Row]]:
    """Give the table's columns, and so many of its rows."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows = [row for row in reader if row["mode"] == "agg"]
    places = np.random.default_rng(SEED).choice(len(rows), count, replace=False)
    return list(reader.fieldnames or ()), [rows[place] for place in places]


def other_tool() -> None:
    """Answer the rows on stdin with aiconfigurator; runs in its environment."""
    import logging

    from aiconfigurator.cli.api import cli_estimate

    logging.disable(logging.CRITICAL)

    def number(row: Row, key: str) -> int | None:
        return int(float(row[key])) if row[key] else None

    def estimate(row: Row, version: str | None) -> Any:
        return cli_estimate(
            row["model_path"],
            row["system"],
            backend_name=row["backend"],
            backend_version=version,
            isl=int(row["isl"]),
            osl=int(row["osl"]),
            batch_size=int(row["batch_size"]),
            tp_size=number(row, "tp_size") or 1,
            pp_size=number(row, "pp_size") or 1,
            attention_dp_size=number(row, "attention_dp_size") or 1,
            moe_tp_size=number(row, "moe_tp_size"),
            moe_ep_size=number(row, "moe_ep_size"),
            gemm_quant_mode=row["gemm_quant_mode"] or None,
            moe_quant_mode=row["moe_quant_mode"] or None,
        )

    rows, answers = json.load(sys.stdin), {}
    began = time.process_time()
    for row in rows:
        for version in (row["backend_version"], None):
            try:
                told = estimate(row, version)
            except (Exception, SystemExit) as error:  # it raises where it has no table
                answers[row["id"]] = f"{type(error).__name__}: {error}"[:160]
            else:
                answers[row["id"]] = [float(told.tpot), float(told.ttft)]
                break
    print(json.dumps({"answers": answers, "cpu_s": time.process_time() - began}))


def planner_answers(columns: list[str], rows: list[Row], *more: str) -> tuple[dict[str, list[float]], float]:
    """Give TPOT and TTFT of each row as `planner accuracy` says them, and the processor time of the command."""
    with tempfile.TemporaryDirectory() as folder:
        sample, out = Path(folder) / "sample.csv", Path(folder) / "accuracy.json"
        with sample.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = ["planner", "accuracy", str(sample), *more, "--output", f"json={out}"]
        subprocess.run(command, env={**os.environ, **ONE_THREAD}, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        told = json.loads(out.read_text("utf-8"))["rows"]
    found = {(row["id"], row["metric"]): row["predicted"] for row in told if row["status"] == "ok"}
    answers = {}
    for line, row in enumerate(rows, start=2):
        values = [found.get((f"sample.csv:{line}", metric)) for metric in METRICS]
        if None not in values:
            answers[row["id"]] = values
    return answers, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(python: str, count: int) -> None:
    columns, rows = drawn(count)
    command = [python, __file__, "--answer"]
    env = {**os.environ, **ONE_THREAD}
    done = subprocess.run(command, input=json.dumps(rows), env=env, capture_output=True, text=True, check=True)
    other = json.loads(done.stdout.splitlines()[-1])
    fit, seconds = planner_answers(columns, rows)
    tools = {
        "aiconfigurator": {key: told for key, told in other["answers"].items() if isinstance(told, list)},
        "planner, in fit": fit,
        "planner, model left out": planner_answers(columns, rows, "--leave-out", "model")[0],
    }
    both = [row for row in rows if all(row["id"] in told for told in tools.values())]
    print(f"{count} rows of closed loops; {len(both)} answered by both")
    if not both:
        sys.exit(f"aiconfigurator says: {next(iter(other['answers'].values()))}")
    print(f"{'':<28}{'answered':>9}{'TPOT median':>13}{'p90':>7}{'TTFT median':>13}{'p90':>7} %")
    for name, told in tools.items():
        figures = ""
        for index, metric in enumerate(METRICS):
            pairs = [(told[row["id"]][index], float(row[f"silicon_{metric}"])) for row in both]
            errors = np.abs(np.log([predicted / measured for predicted, measured in pairs])) * 100
            figures += f"{np.median(errors):>13.1f}{np.percentile(errors, 90):>7.0f}"
        print(f"{name:<28}{len(told):>9}{figures}")
    print(f"processor time: aiconfigurator {other['cpu_s']:.1f} s, planner {seconds:.1f} s with its start")


if __name__ == "__main__":
    if sys.argv[1:] == ["--answer"]:
        other_tool()
    else:
        asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
        asked.add_argument("--python", required=True, help="interpreter of an environment with aiconfigurator")
        asked.add_argument("--rows", type=int, default=120)
        given = asked.parse_args()
        main(given.python, given.rows)
