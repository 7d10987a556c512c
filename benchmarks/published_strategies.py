"""The search beside strategies that their teams published: Megatron's on A100, which calculon was checked on.

    python benchmarks/published_strategies.py

For each case: the step that was measured, what the planner says of the published strategy, and the fastest one that a
search over the same machines and batch finds, with states kept on the devices as there.
"""

from __future__ import annotations

from planner.documents.reader import parse_yaml
from planner.planning.books import Books
from planner.planning.search import Request, search
from planner.planning.search_words import degrees_words, recompute_words
from planner.planning.training import estimate_training
from planner.scenario.resolve import Resolved, close

# Korthikanti et al., Reducing Activation Recomputation in Large Transformer Models, 2022, table 5: selective
# recomputation with sequence parallelism, one sequence a micro-batch, 2,048 tokens each.
CASES = [
    ("gpt-3-175b", 64, "{tensor: 8, pipeline: 8, interleave: 3, sharding: none}", 13.75),
    ("mt-nlg-530b", 280, "{tensor: 8, pipeline: 35, interleave: 3, sharding: none}", 37.83),
    ("megatron-gpt-1008b", 512, "{tensor: 8, pipeline: 64, sharding: none}", 71.49),
]
SCENARIO = """
schema: planner/scenario/v1
name: {model}
workload:
  kind: training
  model: {model}
  tokens: 100 B
  sequence_length: 2048
  global_batch: {accelerators} sequences
  flash_attention: false
  dropout: true
hardware: {{node: dgx-a100, accelerators: {accelerators}, term: owned}}
framework: megatron-2022
parallelism: {parallelism}
recompute: selective
"""


def case(model: str, accelerators: int, parallelism: str) -> Resolved:
    text = SCENARIO.format(model=model, accelerators=accelerators, parallelism=parallelism)
    return close(parse_yaml(text, name=model))


def main() -> None:
    books = Books()
    for model, accelerators, parallelism, measured_s in CASES:
        resolved = case(model, accelerators, parallelism)
        said_s = estimate_training(resolved, books).value("step_time_s") or 0.0
        print(f"{model} on {accelerators} A100: measured {measured_s:.2f} s, said {said_s:.2f} s with {parallelism}")
        for name, kept in (("1F1B", ("schedule",)), ("any schedule", ())):
            request = Request(minimise="time", nodes=("dgx-a100",), accelerators=(accelerators,))
            request = Request(**{**_fields(request), "kept": ("offload", "embedding_and_head_are_layers", *kept)})
            best = search(resolved, books, request).winner
            again = recompute_words(best.recompute)
            print(f"  {name}: {best.results['step_time_s']:.2f} s with {degrees_words(best)}; recompute {again}")


def _fields(request: Request) -> dict[str, object]:
    return {name: getattr(request, name) for name in Request.__slots__}


if __name__ == "__main__":
    main()
