"""llm-analysis and the planner on the same published runs on A100, and the processor time of one estimate of each.

    python benchmarks/beside_llm_analysis.py --python OTHER/bin/python

OTHER is an environment of its own with `llm-analysis` in it, whose old dependencies do not go with the planner's.
It is asked as its authors ask it: half of the peak reached and the whole memory bandwidth; it knows no pipeline bubble.
Errors are |predicted - measured| / measured of the step time, of runs that both answer.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import yaml

ROOT = Path(__file__).resolve().parent.parent
MEASURED = ROOT / "catalogs" / "measurements"
TABLE = "training_megatron_deepspeed_a100.csv"
LIST_SOURCES = {"narayanan2021"}
SETS = {"Narayanan et al. 2021": "narayanan21", "Megatron-DeepSpeed, 1 to 512 A100": TABLE}
REPEATS = 200
Row = dict[str, Any]


def listed() -> list[Row]:
    """Give the runs of training.yaml that llm-analysis can be asked for."""
    runs = yaml.load((MEASURED / "training.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader)
    return [
        {
            "id": run["id"],
            **{key: run["model"][key] for key in ("layers", "hidden", "heads", "ffn", "vocab")},
            "seq": run["seq_len"],
            "batch": run["global_batch_seqs"],
            "micro": run["micro_batch"],
            **{key: run["parallelism"][key] for key in ("tp", "pp", "dp")},
            "recompute": run["recompute"],
        }
        for run in runs
        if run["source"]["key"] in LIST_SOURCES and "step_time_s" in run["measured"]
    ]


def tabled() -> list[Row]:
    """Give the runs of the table of small runs."""
    with (MEASURED / TABLE).open(encoding="utf-8", newline="") as file:
        return [
            {
                "id": f"{TABLE}:{number}",
                **{key: int(row[key]) for key in ("layers", "hidden", "heads", "ffn", "seq", "tp", "pp", "dp")},
                "vocab": int(row["vocab"] or 51200),
                "batch": int(row["global_batch"]),
                "micro": int(row["microbatch"]),
                "recompute": row["recompute"],
            }
            for number, row in enumerate(csv.DictReader(file), start=2)
            if row["metric"] == "iteration_time"
        ]


def other_tool() -> None:
    """Answer the rows on stdin with llm-analysis; runs in its environment."""
    import logging

    from llm_analysis import analysis, config

    logging.disable(logging.CRITICAL)
    gpu = config.GPUConfig("a100", 80, 2039, 300, 8e-6, 312, inter_node_bandwidth_in_GB_per_sec=200)

    def estimate(row: Row) -> float:
        model = config.ModelConfig(
            "run",
            num_layers=row["layers"],
            n_head=row["heads"],
            hidden_dim=row["hidden"],
            vocab_size=row["vocab"],
            max_seq_len=row["seq"],
            ffn_embed_dim=row["ffn"],
        )
        degrees = config.ParallelismConfig(tp_size=row["tp"], pp_size=row["pp"], dp_size=row["dp"], sp_size=1)
        tool = analysis.LLMAnalysis(
            model, gpu, parallelism_config=degrees, flops_efficiency=0.5, hbm_memory_efficiency=1.0
        )
        again = analysis.ActivationRecomputation
        told = tool.training(
            batch_size_per_gpu=row["micro"],
            gradient_accumulation_steps=max(1, row["batch"] // (row["dp"] * row["micro"])),
            seq_len=row["seq"],
            total_num_tokens=row["batch"] * row["seq"],
            activation_recomputation=again.FULL if row["recompute"] == "full" else again.NONE,
            flash_attn=False,
        )
        return float(told["latency_per_iter"])

    rows, answers = json.load(sys.stdin), {}
    for row in rows:
        try:
            answers[row["id"]] = estimate(row)
        except Exception as error:  # it asserts where it can give no answer, as where memory does not suffice
            answers[row["id"]] = f"{type(error).__name__}: {error}"[:200]
    able = next(row for row in rows if isinstance(answers[row["id"]], float))
    began = time.process_time()
    for _ in range(REPEATS):
        estimate(able)
    print(json.dumps({"answers": answers, "estimate_s": (time.process_time() - began) / REPEATS}))


def planner_rows(*more: str) -> dict[str, Row]:
    """Give what `planner accuracy` says of the same files, by the rows' ids."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "accuracy.json"
        files = [str(MEASURED / name) for name in ("training.yaml", TABLE)]
        subprocess.run(["planner", "accuracy", *files, *more, "--output", f"json={path}"], check=True)
        rows = json.loads(path.read_text("utf-8"))["rows"]
    return {row["id"]: row for row in rows if row["metric"] == "step_time_s" and row["status"] == "ok"}


def planner_speeds() -> tuple[float, float]:
    """Give the processor time of one estimate with all of its parts, and of one strategy in a search [s]."""
    from planner.documents.reader import parse_yaml
    from planner.planning.books import Books
    from planner.planning.search import Request, search
    from planner.planning.training import estimate_training
    from planner.scenario.resolve import close

    text = (
        "{schema: planner/scenario/v1, name: one, framework: megatron-core, "
        "workload: {kind: training, model: gpt-3-175b, tokens: 300 B, sequence_length: 2048, "
        "global_batch: 1536 sequences}, hardware: {node: p4de.24xlarge, accelerators: 64, term: on-demand}, "
        "parallelism: {tensor: 8, pipeline: 8, sharding: zero-1}, recompute: full}"
    )
    resolved, books = close(parse_yaml(text, name="one")), Books()
    estimate_training(resolved, books)
    began = time.process_time()
    for _ in range(REPEATS // 10):
        estimate_training(resolved, books)
    one = (time.process_time() - began) / (REPEATS // 10)
    began = time.process_time()
    found = search(resolved, books, Request(nodes=("p4de.24xlarge",), accelerators=(64,)))
    return one, (time.process_time() - began) / found.valid


def line(name: str, pairs: list[tuple[float, float]]) -> str:
    """Say the errors of one tool on its pairs of predicted and measured."""
    predicted, measured = np.array(pairs).T
    errors = np.abs(predicted - measured) / measured * 100
    return f"  {name:<32}{np.median(errors):>8.1f}{np.percentile(errors, 90):>8.1f}{errors.max():>9.0f}"


def main(python: str) -> None:
    rows = listed() + tabled()
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [python, __file__, "--answer"],
        input=json.dumps(rows),
        env=one_thread,
        capture_output=True,
        text=True,
        check=True,
    )
    other = json.loads(done.stdout.splitlines()[-1])
    fit, left_out = planner_rows(), planner_rows("--leave-out", "source")
    for title, prefix in SETS.items():
        asked = [row["id"] for row in rows if row["id"].startswith(prefix)]
        both = [key for key in asked if isinstance(other["answers"][key], float) and key in left_out]
        print(f"{title}: {len(both)} of {len(asked)} runs answered by both {'median':>12}{'p90':>8}{'largest':>9} %")
        measured = {key: left_out[key]["measured"] for key in both}
        print(line("llm-analysis", [(other["answers"][key], measured[key]) for key in both]))
        print(line("planner, in fit", [(fit[key]["predicted"], measured[key]) for key in both]))
        print(line("planner, source left out", [(left_out[key]["predicted"], measured[key]) for key in both]))
    one, of_search = planner_speeds()
    print("processor time of one estimate:")
    print(f"  llm-analysis, one number each       {other['estimate_s'] * 1e3:>9.3f} ms")
    print(f"  planner, all parts and ranges       {one * 1e3:>9.3f} ms")
    print(f"  planner, one strategy of a search   {of_search * 1e3:>9.6f} ms, {1 / of_search:,.0f} a second")


if __name__ == "__main__":
    if sys.argv[1:] == ["--answer"]:
        other_tool()
    else:
        asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
        asked.add_argument("--python", required=True, help="interpreter of an environment with llm-analysis")
        main(asked.parse_args().python)
