"""The estimate that README.md shows: what its command prints. `--write` puts it there anew."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
README = ROOT / "README.md"
COMMAND = ("estimate", "scenarios/examples/llama-3.1-405b-pretrain.yaml")
BLOCK = re.compile(r"(?<=<!-- estimate:begin -->\n).*?(?=<!-- estimate:end -->)", re.DOTALL)


def made() -> str:
    """Give the block as it should be: the command and what it prints, 80 columns wide, in UTF-8."""
    done = subprocess.run(
        [sys.executable, "-m", "planner", *COMMAND],
        check=True,
        capture_output=True,
        encoding="utf-8",
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        timeout=120,
    )
    return f"```\n$ planner {' '.join(COMMAND)}\n{done.stdout.rstrip()}\n```\n"


def shown() -> str:
    """Give the block that README.md holds."""
    found = BLOCK.search(README.read_text("utf-8"))
    return found.group() if found else ""


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    README.write_text(BLOCK.sub(lambda _: made(), README.read_text("utf-8")), encoding="utf-8")
