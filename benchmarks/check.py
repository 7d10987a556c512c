"""Processor time and memory of `planner check`, baseline and attribution included, on projects of many scenarios.

    python benchmarks/check.py [SCENARIOS ...]

Each project is a repository of its own with training plans of four models; then every price and every third
plan changes, and the check compares with the commit before. Figures are of one core, with the planner compiled as
installing it does.
"""

from __future__ import annotations

import compileall
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODELS = ("llama-3.1-8b", "llama-2-70b", "llama-3.1-70b", "mixtral-8x7b")
SIZES = (50, 1000)
PROJECT = """\
schema: planner/project/v1
prices: {on: 2026-06-01}
scenarios: [scenarios/*.yaml]
budgets: [{id: all, metric: cost_total_usd, deny: 1 M USD}]
policies: [{id: no-jumps, metric: cost_total_usd, max_increase: 10 %, and_over: 1000 USD}]
baseline: {ref: main}
"""
SCENARIO = """\
schema: planner/scenario/v1
name: s{number:05}
tags: {{team: t{team}}}
workload: {{kind: training, model: {model}, tokens: {tokens} B, sequence_length: 8192, global_batch: 512 sequences}}
hardware: {{node: p5.48xlarge, accelerators: {accelerators}}}
parallelism: {{tensor: 8, pipeline: 4, micro_batch: 1, sharding: zero-1}}
recompute: full
"""
PRICES = """\
instance,accelerator,accelerators,region,term,usd_per_hour,per,date,source,standing,flag,note
p5.48xlarge,h100-sxm,8,us-east-1,on-demand,{price},node,2026-01-01,own,read,,
"""


def write(root: Path, *, scenarios: int, more_tokens: int, price: float) -> None:
    """Write a project; every third plan trains on so many more billions of tokens."""
    (root / "scenarios").mkdir(exist_ok=True)
    (root / "catalogs/prices").mkdir(parents=True, exist_ok=True)
    (root / "planner.yaml").write_text(PROJECT, "utf-8")
    (root / "catalogs/prices/aws.csv").write_text(PRICES.format(price=price), "utf-8")
    for number in range(scenarios):
        text = SCENARIO.format(
            number=number,
            team=number % 7,
            model=MODELS[number % len(MODELS)],
            tokens=100 + number + (more_tokens if number % 3 == 0 else 0),
            accelerators=64 * 2 ** (number % 4),
        )
        (root / f"scenarios/s{number:05}.yaml").write_text(text, "utf-8")


def measure(root: Path) -> tuple[float, float, int]:
    """Give the processor time [s], the largest memory of the command [MB], and the size of its comment [B]."""
    comment = root / "comment.md"
    command = [sys.executable, "-m", "planner", "check", "--today", "2026-11-28", "--output", f"markdown={comment}"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=root, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1):
        raise SystemExit(f"planner check ended with {done.returncode}")
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, after.ru_maxrss / 1e3, comment.stat().st_size


def main() -> None:
    """Measure projects of the sizes named, smallest first, on one core where the system can keep to one."""
    compileall.compile_dir(ROOT / "planner", quiet=1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    for scenarios in sorted(int(word) for word in sys.argv[1:]) or SIZES:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            write(root, scenarios=scenarios, more_tokens=0, price=98.0)
            for words in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-qm", "before")):
                identity = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@example.org")
                subprocess.run(["git", *identity, *words], cwd=root, check=True)
            write(root, scenarios=scenarios, more_tokens=10, price=110.0)
            seconds, megabytes, size = measure(root)
        print(f"{scenarios:>6,} scenarios {seconds:8.2f} s of one core {megabytes:8.0f} MB {size:>8,} bytes of comment")


if __name__ == "__main__":
    main()
