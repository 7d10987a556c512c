"""The table of errors that docs/serving.md shows: those of the profile. `--write` puts it there anew."""

from __future__ import annotations

import sys
from pathlib import Path

from planner.catalog.store import Catalog
from planner.report.serving_errors import with_table

PAGE = Path(__file__).resolve().parents[2] / "docs" / "serving.md"

if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    PAGE.write_text(with_table(PAGE.read_text("utf-8"), Catalog().profile("serving")), encoding="utf-8")
