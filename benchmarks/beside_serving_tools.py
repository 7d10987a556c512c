"""aiconfigurator, llm-analysis and the planner on the same closed-loop measurements, and the processor time of each.

    python benchmarks/beside_serving_tools.py --aiconfigurator A/bin/python --llm-analysis B/bin/python [--rows 120]

A and B are environments of their own with `aiconfigurator` and with `llm-analysis`, whose dependencies go neither
together nor with the planner's. Rows are drawn by a fixed seed from those of one pool of workers; what a row states is
passed on as it stands. aiconfigurator takes the release that it has tables for and that is nearest below the row's, or
its newest. llm-analysis is asked as its authors ask it, for half of the peak and the whole bandwidth, with the sizes of
model and accelerator from the catalogs: it knows no batching over time, so that a token's time is that of a step of all
clients and the first token's that of one prompt, a favour to it; nor a gated layer, whose third matrix it is given as
width; models of several kinds of layers or with latent attention it cannot be told. Errors are
|ln(predicted / measured)| of the rows that a tool and the planner answer.
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
GIGA, TERA, GIBI = 1e9, 1e12, 2.0**30
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
Row = dict[str, Any]
Answers = dict[str, list[float]]

# The parts of a shape that llm-analysis can be told of.
TOLD = {"hidden", "vocabulary", "max_sequence", "layers", "attention", "feed_forward", "experts", "tied_embeddings"}
BITS = {"fp8": 8, "fp4": 4}


def drawn(count: int) -> tuple[list[str], list[Row]]:
    """Give the table's columns, and so many of its rows."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows: list[Row] = [row for row in reader if row["mode"] == "agg"]
    places = np.random.default_rng(SEED).choice(len(rows), count, replace=False)
    return list(reader.fieldnames or ()), [rows[place] for place in places]


def sizes(rows: list[Row]) -> dict[str, Row]:
    """Give what llm-analysis is told of the rows' models and accelerators, of those that it can be told of."""
    from planner.catalog.store import Catalog

    catalog, found = Catalog(), {}
    for row in rows:
        name = catalog.resolve("model", row["model_path"])
        shape = catalog.model(name).architecture if name else None
        if shape is None or not {*shape.model_fields_set} <= TOLD or shape.attention.latent:
            continue
        chip, experts, dense = catalog.accelerator(row["system"]), shape.experts, shape.feed_forward
        part = experts or dense
        heads = shape.attention.heads
        model = {
            "name": name,
            "num_layers": shape.layers,
            "n_head": heads,
            "hidden_dim": shape.hidden,
            "vocab_size": shape.vocabulary,
            "num_key_value_heads": shape.attention.kv_heads or heads,
            "ffn_embed_dim": part.width * (1.5 if part.gated else 1.0),
            "expansion_ratio": part.width / shape.hidden,
        }
        if experts:
            model |= {"moe_num_experts": experts.count, "moe_top_k": experts.top_k}
        link = chip.link.bandwidth / GIGA
        part_of = [
            chip.id,
            chip.memory.capacity / GIBI,
            chip.memory.bandwidth / GIGA,
            link,
            8e-6,
            chip.peak["bf16"] / TERA,
        ]
        found[row["id"]] = {"model": model, "chip": part_of}
    return found


def number(row: Row, key: str) -> int | None:
    """Give a whole number of a row, where it has one."""
    return int(float(row[key])) if row[key] else None


def aiconfigurator() -> None:
    """Answer the rows on stdin; runs in its environment."""
    import logging

    from aiconfigurator.cli.api import cli_estimate

    logging.disable(logging.CRITICAL)

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

    rows, answers = json.load(sys.stdin)["rows"], {}
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


def llm_analysis() -> None:
    """Answer the rows on stdin that come with sizes; runs in its environment."""
    import logging

    from llm_analysis import analysis, config

    logging.disable(logging.CRITICAL)

    def estimate(row: Row, told: Row) -> list[float]:
        bits = BITS.get(row["precision"], 16)
        tool = analysis.LLMAnalysis(
            config.ModelConfig(**told["model"]),
            config.GPUConfig(*told["chip"]),
            config.DtypeConfig(f"w{bits}a{bits}e16", bits, bits, 16),
            config.ParallelismConfig(
                tp_size=number(row, "tp_size") or 1, pp_size=number(row, "pp_size") or 1, sp_size=1
            ),
            flops_efficiency=0.5,
            hbm_memory_efficiency=1.0,
        )
        lengths = {"seq_len": int(row["isl"]), "num_tokens_to_generate": int(row["osl"])}
        step = tool.inference(int(row["batch_size"]), **lengths)["decode_latency"]
        return [1e3 * step, 1e3 * tool.inference(1, **lengths)["prefill_latency"]]

    given, answers = json.load(sys.stdin), {}
    began = time.process_time()
    for row in given["rows"]:
        told = given["sizes"].get(row["id"])
        try:
            answers[row["id"]] = estimate(row, told) if told else "it cannot be told of such a model"
        except Exception as error:  # it asserts where it can give no answer, as where memory does not suffice
            answers[row["id"]] = f"{type(error).__name__}: {error}"[:160]
    print(json.dumps({"answers": answers, "cpu_s": time.process_time() - began}))


def planner_answers(columns: list[str], rows: list[Row], *more: str) -> tuple[Answers, float]:
    """Give TPOT and TTFT of each row as `planner accuracy` says them, and the processor time of the command."""
    with tempfile.TemporaryDirectory() as folder:
        sample, out = Path(folder) / "sample.csv", Path(folder) / "accuracy.json"
        with sample.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        planner = str(Path(sys.executable).with_name("planner"))
        command = [planner, "accuracy", str(sample), *more, "--output", f"json={out}"]
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


def asked(tool: str, python: str, given: Row) -> tuple[Answers, float]:
    """Give the answers of another tool in its environment, and its processor time."""
    command = [python, __file__, "--answer", tool]
    env = {**os.environ, **ONE_THREAD}
    done = subprocess.run(command, input=json.dumps(given), env=env, capture_output=True, text=True, check=True)
    other = json.loads(done.stdout.splitlines()[-1])
    told = {key: answer for key, answer in other["answers"].items() if isinstance(answer, list)}
    if not told:
        sys.exit(f"{tool} says: {next(iter(other['answers'].values()))}")
    return told, other["cpu_s"]


def line(name: str, told: Answers, rows: list[Row]) -> str:
    """Say the errors of one tool on some rows."""
    figures = ""
    for index, metric in enumerate(METRICS):
        pairs = [(told[row["id"]][index], float(row[f"silicon_{metric}"])) for row in rows]
        errors = np.abs(np.log([predicted / measured for predicted, measured in pairs])) * 100
        figures += f"{np.median(errors):>13.1f}{np.percentile(errors, 90):>7.0f}"
    return f"  {name:<26}{len(told):>9}{figures}"


def main(pythons: dict[str, str], count: int) -> None:
    columns, rows = drawn(count)
    given = {"rows": rows, "sizes": sizes(rows)}
    fit, seconds = planner_answers(columns, rows)
    left_out = planner_answers(columns, rows, "--leave-out", "model")[0]
    print(f"{count} rows of closed loops; the planner takes {seconds:.1f} s of a processor with its start")
    for tool, python in pythons.items():
        told, took = asked(tool, python, given)
        both = [row for row in rows if row["id"] in told and row["id"] in left_out]
        print(f"{len(both)} of them answered by {tool}, in {took:.1f} s, and by the planner")
        print(f"  {'':<26}{'answered':>9}{'TPOT median':>13}{'p90':>7}{'TTFT median':>13}{'p90':>7} %")
        print(line(tool, told, both))
        print(line("planner, in fit", fit, both))
        print(line("planner, model left out", left_out, both))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--answer"]:
        {"aiconfigurator": aiconfigurator, "llm-analysis": llm_analysis}[sys.argv[2]]()
    else:
        parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--aiconfigurator", help="interpreter of an environment with aiconfigurator")
        parser.add_argument("--llm-analysis", help="interpreter of an environment with llm-analysis")
        parser.add_argument("--rows", type=int, default=120)
        chosen = vars(parser.parse_args())
        named = {tool: chosen[tool.replace("-", "_")] for tool in ("aiconfigurator", "llm-analysis")}
        main({tool: python for tool, python in named.items() if python}, chosen["rows"])
