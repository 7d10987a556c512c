"""Write tests/truth/activations.json: the bytes that torch saves of small models, with the version that saved them.

Run by `make truth`; needs torch.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from activation_cases import CASES, KINDS, Case  # noqa: E402 - modules of this folder


def measured(case: Case, kind: str) -> int:
    """Count what torch saves of one case in one format [B]."""
    from activation_models import MODELS, Sizes, measure

    return measure(MODELS[case.name], Sizes(**case.sizes), kind, plain_attention=case.plain_attention)


def main() -> None:
    """Measure every case and write the file."""
    import torch

    saved = {case.name: {kind: measured(case, kind) for kind in KINDS} for case in CASES}
    text = json.dumps({"versions": {"torch": torch.__version__.split("+")[0]}, "saved_bytes": saved}, indent=1)
    (HERE / "activations.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
