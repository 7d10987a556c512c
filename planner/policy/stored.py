"""A stored result read back as a baseline: checked against its schema, its size and its digest."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from planner.documents.files import ReadBudget, read_text
from planner.errors import InputError, brief, input_error
from planner.metrics import METRICS
from planner.policy.baseline import Origin
from planner.policy.stated import Stated
from planner.policy.texts import Documents

SCHEMA = "planner/check/v1"
_MOST_BYTES = 32 * 2**20
_LONGEST_NUMBER = 60
_ENDS = ("value", "low", "high", "least", "most")


def with_digest(document: Mapping[str, Any]) -> dict[str, Any]:
    """Give a result with the digest that shows whether somebody changed it."""
    return {**document, "digest": _digest(document)}


def _digest(document: Mapping[str, Any]) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_stored(path: Path, shown: str) -> tuple[Origin, Documents, dict[str, dict[str, Stated]]]:
    """Read what `planner check --output json=FILE` wrote.

    Parameters
    ----------
    path, shown : the file, and how people call it.

    Returns
    -------
    Where it comes from, the texts that it rests on, and its results by scenario and part.

    Raises
    ------
    InputError : missing, too large, cut off, of another version, or changed by hand.
    """
    text = read_text(path, budget=ReadBudget(_MOST_BYTES), max_bytes=_MOST_BYTES, name=shown)
    try:
        document = json.loads(text, object_pairs_hook=_once, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise _wrong(shown, f"not the JSON of a check ({brief(error, most=120)})") from None
    if not isinstance(document, dict):
        raise _wrong(shown, "not the JSON of a check")
    if document.get("schema") != SCHEMA:
        raise _wrong(shown, f"schema '{brief(document.get('schema'))}' is not read here", allowed=SCHEMA)
    said = document.pop("digest", None)
    try:
        if said != _digest(document):
            raise _wrong(shown, "its digest does not fit its content: it was changed or cut")
        origin = Origin("file", shown, "", _str(document["planner"]))
        texts = document["documents"]
        documents = Documents(_texts(texts["project"]), _texts(texts["catalogs"]))
        return origin, documents, dict(_all_results(document["scenarios"]))
    except (KeyError, TypeError, AttributeError, ValueError, InvalidOperation, RecursionError) as error:
        raise _wrong(shown, f"not the JSON of a check ({type(error).__name__}: {brief(error)})") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one map")
    return found


def _refused(word: str) -> float:
    raise ValueError(f"{word} is no number")


def _wrong(shown: str, message: str, *, allowed: str = "") -> InputError:
    return input_error(
        "baseline-file",
        f"{shown}: {message}",
        allowed=allowed,
        hint="write it anew from the commit to compare with: planner check --output json=FILE",
    )


def _str(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("text is wanted")
    return value


def _texts(value: Any) -> dict[str, str]:
    return {_str(path): _str(text) for path, text in value.items()}


def _all_results(scenarios: Any) -> list[tuple[str, dict[str, Stated]]]:
    found = []
    for name, scenario in scenarios.items():
        found.append((name, _results(scenario["results"])))
        found += [(part, _results(inner["results"])) for part, inner in scenario["parts"].items()]
    return found


def _results(value: Any) -> dict[str, Stated]:
    unknown = [name for name in value if name not in METRICS]
    if unknown:
        raise ValueError(f"unknown metric {brief(unknown[0])}")
    return {name: _stated(result) for name, result in value.items()}


def _stated(value: Any) -> Stated:
    middle, *ends = (_number(value.get(key, value["value"])) for key in _ENDS)
    if middle is None:
        return Stated(None, None, None, None, None)
    # An end that nothing bounds has no number in JSON.
    low, high, least, most = (math.inf if end is None else end for end in ends)
    return Stated(middle, low, high, least, most)


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)) or len(str(value)) > _LONGEST_NUMBER:
        raise TypeError("a number is wanted")
    found = float(Decimal(value)) if isinstance(value, str) else float(value)
    if not math.isfinite(found):
        raise ValueError("a number is wanted")
    return found
