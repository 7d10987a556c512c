"""Framework generation and machine of a measured row, where the row tells them only in words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import Field

from planner.accuracy.cases import Software
from planner.documents.reader import read_yaml
from planner.documents.typed import require_schema, typed
from planner.documents.types import BytesPerSecond, Date, Id, Record, Text
from planner.record import record


class Rule(Record):
    """A piece of a row's framework text, or of its source, and the generation that it means."""

    match: Text
    framework: Id
    released: Date | None = None


class Rules(Record):
    """How words of measured rows are read; `catalogs/measurements/software.yaml`."""

    schema_: Literal["planner/software/v1"] = Field(alias="schema")
    rules: tuple[Rule, ...]
    rounds: dict[Text, Date]
    fabrics: dict[Id, BytesPerSecond]


def read_rules(path: Path) -> Rules:
    """Read the rules' document."""
    tree = read_yaml(path)
    require_schema(tree, "planner/software/v1")
    return typed(tree, Rules)


@record
class Words:
    """Reads the words of rows by the rules."""

    rules: Rules

    def software(self, *, framework: str, source: str, version: str) -> Software | None:
        """Give the generation that a row ran; None where no rule knows its words."""
        text = f"{framework} source: {source}".casefold()
        for rule in self.rules.rules:
            if rule.match.casefold() in text:
                stated = self._released(framework, version)
                return Software(rule.framework, stated if stated == stated else years(rule.released))
        return None

    def _released(self, framework: str, version: str) -> float:
        """Give the release in years: "24.07" in the framework's name, an MLPerf round, or a year in the version."""
        found = re.search(r"\b(2\d)\.(\d\d)\b", framework) or re.search(r"\bv?(2\d)\.(\d\d)\b", version)
        if found and 1 <= int(found[2]) <= 12:
            return 2000 + int(found[1]) + (int(found[2]) - 0.5) / 12
        for name, date in self.rules.rounds.items():
            if re.match(rf"{re.escape(name)}\b", version):
                return years(date)
        dated = re.search(r"\b(20\d\d)(?:-(\d\d))?", version)
        if dated:
            return int(dated[1]) + ((int(dated[2]) - 0.5) / 12 if dated[2] else 0.5)
        return float("nan")

    def fabric_bytes_per_s(self, text: str, accelerator: str, per_node: int) -> float:
        """Give the network of one accelerator, one direction [B/s]: as the row's words say, or its system's."""
        compute = re.search(r"Compute:\s*([^,]*)", text)
        words = compute[1] if compute else text
        each = re.search(r"(\d+)\s*Gb/s RDMA per GPU", words)
        if each:
            return float(each[1]) * 1e9 / 8
        node = re.search(r"(\d+)\s*Gb(?:ps|/s) RoCE per node", words)
        if node:
            return float(node[1]) * 1e9 / 8 / per_node
        found = re.findall(r"(\d+)\s*x\b[^,;]*?(\d+)\s*G(?:b|bps|b/s)", words.replace("HDR200", "HDR 200 Gb"))
        ports = max((float(count) * float(each) for count, each in found), default=0.0)
        if ports >= _SMALLEST_FABRIC_GBPS * per_node:
            return ports * 1e9 / 8 / per_node
        return self.rules.fabrics.get(accelerator, float("nan"))


_SMALLEST_FABRIC_GBPS = 40.0  # ports below this per accelerator are a host's own, not the fabric of its accelerators


def years(date: str | None) -> float:
    """Give a date as a number of years; NaN for none, the middle of what it leaves open."""
    if date is None:
        return float("nan")
    pieces = [int(piece) for piece in date.split("-")]
    return pieces[0] + ((pieces[1] - 0.5) / 12 if len(pieces) > 1 else 0.5)
