"""Write the truths of this folder: what torch counts of published models, and what it saves of small ones.

Run by `make truth`; needs the extra `oracle`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import activations  # noqa: E402 - modules of this folder
from configurations import CASES, Case  # noqa: E402 - modules of this folder
from torch_oracle import Shape, count, versions  # noqa: E402


def truth(case: Case) -> dict[str, object]:
    """Count one model."""
    counted = count(case.configuration, case.class_name, Shape(case.samples, case.length, case.source))
    labels = case.configuration.get("id2label")
    configuration = dict(case.configuration)
    if labels:  # a thousand names say no more than their number
        configuration = {k: v for k, v in configuration.items() if k != "id2label"} | {"num_labels": len(labels)}
    return {
        "name": case.name,
        "class": case.class_name,
        "samples": case.samples,
        "length": case.length,
        "source": case.source,
        "parameters": counted.parameters,
        "forward_flops": counted.forward_flops,
        "backward_flops": counted.backward_flops,
        "recurrence_flops": counted.recurrence_flops,
        "configuration": configuration,
    }


def main() -> None:
    """Count every model and write the files."""
    activations.main()
    truths = []
    for case in CASES:
        print(case.name, file=sys.stderr)
        truths.append(truth(case))
    text = json.dumps({"versions": versions(), "truths": truths}, indent=1)
    (HERE / "workloads.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
