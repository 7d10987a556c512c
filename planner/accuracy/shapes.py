"""The architecture that a measured training row describes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from planner.catalog.shape import ArchitectureSpec
from planner.catalog.store import Catalog
from planner.documents.reader import parse_yaml
from planner.errors import PlannerError
from planner.workload.architecture import Architecture
from planner.workload.build import architecture

_GATED = ("swiglu", "geglu", "reglu")
_ACTIVATIONS = {"swiglu": "silu", "reglu": "relu", "relu": "relu", "squared_relu": "relu2"}
_MASKED_SHARE = 0.15


class ShapeUnknownError(Exception):
    """A row does not say enough of its model, and no catalog entry has its name."""


class Shapes:
    """Builds architectures of rows, each shape once."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._built: dict[str, Architecture] = {}
        self._seen: dict[tuple[str, int], Architecture] = {}

    def of(self, model: Mapping[str, Any], length: int) -> Architecture:
        """Give the architecture of a row's `model`.

        Raises
        ------
        ShapeUnknownError : neither the row nor the catalogs know it.
        """
        key = (json.dumps(model, sort_keys=True, default=str), length if _has_positions(model) else 0)
        if key not in self._seen:
            self._seen[key] = self._of(model, length)
        return self._seen[key]

    def _of(self, model: Mapping[str, Any], length: int) -> Architecture:
        name = str(model.get("name", ""))
        if model.get("layers") is None or model.get("hidden") is None or model.get("arch") == "hybrid":
            return self.named([str(model.get("hf_id") or ""), name])
        if model.get("arch") == "moe" and not model.get("moe"):
            return self.named([str(model.get("hf_id") or ""), name])  # dense layers of its shape are another model
        try:
            spec = _spec(model, length)
        except PlannerError as error:
            raise ShapeUnknownError(f"shape of {name or 'the model'}: {error.faults[0].message}") from error
        except ValidationError as error:
            raise ShapeUnknownError(f"shape of {name or 'the model'}: {error.errors()[0]['msg']}") from error
        except KeyError as error:
            raise ShapeUnknownError(f"shape of {name or 'the model'}: the row does not say its {error}") from error
        except (TypeError, ValueError) as error:
            raise ShapeUnknownError(f"shape of {name or 'the model'}: {error}") from error
        return self._build(spec, name)

    def named(self, names: list[str]) -> Architecture:
        """Give the architecture of the first name that the catalogs know."""
        for name in names:
            found = self._catalog.resolve("model", name) if name else None
            if found:
                entry = self._catalog.model(found)
                if entry.architecture:
                    return self._build(entry.architecture, found)
        raise ShapeUnknownError(f"no shape of {' or '.join(n for n in names if n) or 'an unnamed model'}")

    def _build(self, spec: ArchitectureSpec, name: str) -> Architecture:
        key = spec.model_dump_json()
        if key not in self._built:
            self._built[key] = architecture(spec, name)
        return self._built[key]


def _spec(model: Mapping[str, Any], length: int) -> ArchitectureSpec:
    layers = int(model["layers"])
    heads = int(model["heads"])
    encoder = model.get("arch") == "encoder"
    moe = model.get("moe")
    gated = model.get("mlp") in _GATED
    document: dict[str, Any] = {
        "hidden": model["hidden"],
        "vocabulary": model["vocab"],
        "tied_embeddings": bool(model.get("tied_embeddings", False)),
        "normalization": "layer" if model.get("mlp") in ("gelu", "relu") else "rms",
        "positions": model.get("pos") or ("rotary" if gated else "none"),
        "attention": _attention(model, heads),
        "layers": _layers(model, layers),
    }
    if model.get("block") == "parallel":
        document["parallel_block"] = True
    if document["positions"] == "learned" or encoder:
        document["positions"] = "learned"
        document["max_sequence"] = max(length, 1)
    if encoder:
        document |= {"causal": False, "head_token_share": _MASKED_SHARE}
    if model.get("ffn"):
        activation = _ACTIVATIONS.get(str(model.get("mlp")), "gelu")
        document["feed_forward"] = {"width": model["ffn"], "gated": gated, "activation": activation}
    if moe:
        document["experts"] = {
            "count": moe["experts"],
            "top_k": moe["topk"],
            "width": moe["moe_ffn"],
            "gated": gated,
            "shared_width": moe.get("shared_ffn", 0),
        }
    window = model.get("sliding_window")
    if window:
        document["sliding"] = {"window": window["size"]}
    return ArchitectureSpec.model_validate(parse_yaml(_as_yaml(document)).value)


def _attention(model: Mapping[str, Any], heads: int) -> dict[str, Any]:
    mla = model.get("mla")
    if mla:
        latent = {
            "query_rank": mla["q_lora_rank"],
            "kv_rank": mla["kv_lora_rank"],
            "nope_dim": mla["qk_nope_head_dim"],
            "rope_dim": mla["qk_rope_head_dim"],
            "value_dim": mla["v_head_dim"],
        }
        return {"heads": heads, "latent": latent}
    attention: dict[str, Any] = {"heads": heads, "kv_heads": model.get("kv_heads", heads)}
    if model.get("head_dim"):
        attention["head_dim"] = model["head_dim"]
    return attention


def _layers(model: Mapping[str, Any], layers: int) -> Any:
    """Give which layers there are: dense first layers, every n-th with experts, sliding windows between full ones."""
    moe, window = model.get("moe"), model.get("sliding_window")
    if moe and moe.get("first_dense_layers"):
        first = int(moe["first_dense_layers"])
        return [{"count": first, "feed_forward": "dense"}, {"count": layers - first, "feed_forward": "experts"}]
    every = int(moe.get("moe_layer_every", 1)) if moe else 1
    if moe and every > 1:
        period = [{"feed_forward": "dense"}] * (every - 1) + [{"feed_forward": "experts"}]
        return [{"count": layers // every, "period": period}]
    if window:
        distance = int(window.get("global_every") or window.get("every") or 2)
        period = [{"mixer": "sliding"}] * (distance - 1) + [{"mixer": "full"}]
        rest = layers % distance
        runs: list[dict[str, Any]] = [{"count": layers // distance, "period": period}]
        return runs + ([{"count": rest, "mixer": "sliding"}] if rest else [])
    return layers


def _has_positions(model: Mapping[str, Any]) -> bool:
    """Tell whether learned positions make the model grow with the length."""
    return model.get("pos") == "learned" or model.get("arch") == "encoder"


def _as_yaml(value: Any) -> str:
    return json.dumps(value)
