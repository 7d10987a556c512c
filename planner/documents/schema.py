"""JSON Schemas of documents, for editors that complete and check while one types."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]

_PARAMETER = re.compile(r"^(\w+(?:, \w+)*) : (.+(?:\n {4,}.+)*)", re.MULTILINE)


def json_schema(document: type[BaseModel], *, kind: str) -> Schema:
    """Give the JSON Schema of a document.

    Parameters
    ----------
    document : the class that the document is read as.
    kind : its name, as `planner schema` takes it.

    Returns
    -------
    A schema of draft 2020-12. Keys that begin with `x-` are allowed everywhere, as the reader allows them,
    and each property is described as in the docstring of its class.
    """
    schema = document.model_json_schema(by_alias=True, mode="validation")
    for part in (schema, *schema.get("$defs", {}).values()):
        _describe(part)
        _allow_own_keys(part)
    return {"$schema": DIALECT, "$id": f"urn:planner:{kind}", **schema}


def _describe(part: Schema) -> None:
    """Move what the docstring says of each parameter to the property of that name."""
    text = part.get("description", "")
    summary, _, parameters = text.partition("\n\nParameters\n")
    if not parameters:
        return
    part["description"] = _one_line(summary)
    for names, meaning in _PARAMETER.findall(parameters):
        for name in names.split(", "):
            if name in part.get("properties", {}):
                part["properties"][name]["description"] = _one_line(meaning)


def _allow_own_keys(part: Schema) -> None:
    if part.get("additionalProperties") is False:
        part["patternProperties"] = {"^x-": {}}


def _one_line(text: str) -> str:
    return " ".join(text.split())
