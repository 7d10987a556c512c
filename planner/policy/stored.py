"""A stored result read back as a baseline: checked against its schema, its size and its digest.

There are two: the whole JSON of a check, and the small document that keeps what a later comparison needs.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import zlib
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from planner.documents.files import ReadBudget, read_text
from planner.errors import InputError, brief, input_error
from planner.metrics import METRICS
from planner.policy.baseline import Origin, StoredResults
from planner.policy.stated import Stated
from planner.policy.texts import Documents

SCHEMA = "planner/check/v1"
SMALL_SCHEMA = "planner/baseline/v1"
_MOST_BYTES = 32 * 2**20
_LINE = 120
_LONGEST_NUMBER = 60
_ENDS = ("value", "low", "high", "least", "most")


def with_digest(document: Mapping[str, Any]) -> dict[str, Any]:
    """Give a result with the digest that shows whether somebody changed it."""
    return {**document, "digest": _digest(document)}


def _digest(document: Mapping[str, Any]) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def packed(documents: Documents) -> list[str]:
    """Give texts as lines of base64: of their JSON, compressed by zlib.

    >>> unpacked(packed(Documents({"planner.yaml": "a: 1"}, {}))) == Documents({"planner.yaml": "a: 1"}, {})
    True
    """
    content = {"project": dict(documents.project), "catalogs": dict(documents.catalogs or {})}
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    line = base64.b64encode(zlib.compress(text.encode("utf-8", "surrogatepass"), 9)).decode("ascii")
    return [line[start : start + _LINE] for start in range(0, len(line), _LINE)]


def unpacked(lines: Any) -> Documents:
    """Give texts back.

    Raises
    ------
    ValueError, TypeError : they are not what `packed` gives, or become too large.
    """
    data = base64.b64decode("".join(_str(line) for line in lines), validate=True)
    inflate = zlib.decompressobj()
    try:
        text = inflate.decompress(data, _MOST_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if not inflate.eof or inflate.unused_data:
        raise ValueError("its texts are cut, or too large")
    return _documents(json.loads(text.decode("utf-8", "surrogatepass"), object_pairs_hook=_once))


def read_stored(path: Path, shown: str) -> tuple[Origin, Documents, StoredResults]:
    """Read what `planner check --output baseline=FILE`, or json=FILE, wrote.

    Parameters
    ----------
    path, shown : the file, and how people call it.

    Returns
    -------
    Where it comes from, the texts that it rests on, and its results.

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
    if document.get("schema") not in (SCHEMA, SMALL_SCHEMA):
        allowed = f"{SMALL_SCHEMA}, {SCHEMA}"
        raise _wrong(shown, f"schema '{brief(document.get('schema'))}' is not read here", allowed=allowed)
    said = document.pop("digest", None)
    try:
        if said != _digest(document):
            raise _wrong(shown, "its digest does not fit its content: it was changed or cut")
        origin = Origin("file", shown, "", _str(document["planner"]))
        if document["schema"] == SMALL_SCHEMA:
            return origin, unpacked(document["documents"]), _small(document)
        return origin, _documents(document["documents"]), _whole(document["scenarios"])
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
        hint="write it anew from the commit to compare with: planner check --output baseline=FILE",
    )


def _str(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("text is wanted")
    return value


def _texts(value: Any) -> dict[str, str]:
    return {_str(path): _str(text) for path, text in value.items()}


def _documents(value: Any) -> Documents:
    return Documents(_texts(value["project"]), _texts(value["catalogs"]))


def _whole(scenarios: Any) -> StoredResults:
    """Give the results of a check's whole JSON."""
    found = [(name, scenario) for name, scenario in scenarios.items()]
    found += [(part, inner) for _, scenario in found for part, inner in scenario["parts"].items()]
    return StoredResults(
        {name: _results(each["results"]) for name, each in found},
        {name: _str(each["why_not"]) for name, each in found if each["why_not"]},
    )


def _small(document: Any) -> StoredResults:
    """Give the results of a baseline that holds no more than comparing needs."""
    held = frozenset(_known(document["metrics"]))
    scenarios = document["scenarios"]
    results = {name: _few(each["results"], held) for name, each in scenarios.items()}
    return StoredResults(results, {name: _str(s["why_not"]) for name, s in scenarios.items() if "why_not" in s}, held)


def _few(value: Any, held: frozenset[str]) -> dict[str, Stated]:
    """Give results that are a middle, or a list of the middle and the ends that some rule asks for."""
    if not held.issuperset(value):
        raise ValueError("a result that it does not say it holds")
    return {name: _listed(result) for name, result in value.items()}


def _listed(value: Any) -> Stated:
    if isinstance(value, list):
        return _stated(dict(zip(_ENDS, value, strict=True)))
    return Stated(_number(value), None, None, None, None)


def _known(names: Any) -> list[str]:
    unknown = [name for name in names if name not in METRICS]
    if unknown:
        raise ValueError(f"unknown metric {brief(unknown[0])}")
    return list(names)


def _results(value: Any) -> dict[str, Stated]:
    _known(value)
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
