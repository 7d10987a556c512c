"""Parameters and FLOPs of a Hugging Face configuration, counted by torch on a model that is never filled.

The model is built on torch's meta device and run there under torch's own counter. Attention is the plain
one, so that each product is a matrix product that the counter sees; experts run as one batched product per
chosen expert.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from torch.utils.flop_counter import FlopCounterMode

transformers.logging.set_verbosity(logging.CRITICAL)


@dataclass(frozen=True)
class Shape:
    """Samples and tokens of one run; `source` is the encoder's length."""

    samples: int
    length: int
    source: int = 0


@dataclass(frozen=True)
class Counted:
    """What torch counts.

    `recurrence_flops` is the part of the forward pass that recurrent mixers spend outside their linear
    layers: it follows the way in which transformers writes the recurrence out, not the model.
    """

    parameters: int
    forward_flops: int
    backward_flops: int
    recurrence_flops: int


def versions() -> dict[str, str]:
    """Give the versions that the counts come from."""
    return {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__}


def build(configuration: Mapping[str, Any], class_name: str) -> torch.nn.Module:
    """Build the model of a configuration without memory for its weights."""
    values = {key: value for key, value in configuration.items() if key not in ("model_type", "architectures")}
    # transformers keeps what it is given and fills in nested maps; the caller's own must stay as published.
    values = _copied(values)
    config = transformers.CONFIG_MAPPING[configuration["model_type"]](**values)
    for part in (config, getattr(config, "text_config", None), getattr(config, "vision_config", None)):
        if part is not None:
            part._attn_implementation = "eager"
            part._experts_implementation = "batched_mm"
    with warnings.catch_warnings(), torch.device("meta"):
        warnings.simplefilter("ignore")
        return getattr(transformers, class_name)(config)


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def count_parameters(model: torch.nn.Module) -> int:
    """Count the elements of a model, those of a shared tensor once."""
    return sum(parameter.numel() for parameter in model.parameters())


def count(configuration: Mapping[str, Any], class_name: str, shape: Shape) -> Counted:
    """Build a model and count one forward and one backward pass of it."""
    model = build(configuration, class_name).eval()
    with FlopCounterMode(display=False) as forward:
        outputs = model(**_inputs(model.config, class_name, shape))
    with FlopCounterMode(display=False) as backward, _no_warnings():
        sum(output.sum() for output in _results(outputs)).backward()
    return Counted(
        count_parameters(model), forward.get_total_flops(), backward.get_total_flops(), _recurrence(model, forward)
    )


_RECURRENT = ("Mamba2Mixer", "GatedDeltaNet")


def _recurrence(model: torch.nn.Module, counter: FlopCounterMode) -> int:
    counts = {name: sum(by_operation.values()) for name, by_operation in counter.get_flop_counts().items()}
    total = 0
    for name, module in model.named_modules():
        if type(module).__name__.endswith(_RECURRENT):
            whole = f"{type(model).__name__}.{name}"
            linear = [child for child, part in module.named_children() if isinstance(part, torch.nn.Linear)]
            total += counts.get(whole, 0) - sum(counts.get(f"{whole}.{child}", 0) for child in linear)
    return total


@contextlib.contextmanager
def _no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


_RESULTS = (
    "logits",
    "prediction_logits",
    "seq_relationship_logits",
    "sop_logits",
    "start_logits",
    "end_logits",
    "logits_per_text",
)


def _results(outputs: Any) -> list[torch.Tensor]:
    """Give every result that a loss could start from, so that no part of the backward pass is missed."""
    found = [outputs[name] for name in _RESULTS if outputs.get(name) is not None]
    if found:
        return found
    plain = [outputs[name] for name in ("pooler_output", "last_hidden_state") if outputs.get(name) is not None]
    return plain


def _inputs(config: Any, class_name: str, shape: Shape) -> dict[str, torch.Tensor | bool]:
    kind = config.model_type
    if kind in ("vit", "deit", "clip_vision_model"):
        return {"pixel_values": _pixels(config, shape.samples)}
    if kind == "clip":
        return {
            "pixel_values": _pixels(config.vision_config, shape.samples),
            "input_ids": _tokens(shape.samples, shape.length),
        }
    if kind == "whisper":
        frames = 2 * config.max_source_positions
        return {
            "input_features": torch.zeros(shape.samples, config.num_mel_bins, frames, device="meta"),
            "decoder_input_ids": _tokens(shape.samples, shape.length),
            "decoder_attention_mask": _mask(shape),
            "use_cache": False,
        }
    if config.is_encoder_decoder:
        if class_name.endswith("EncoderModel"):
            return {"input_ids": _tokens(shape.samples, shape.length)}
        return {
            "input_ids": _tokens(shape.samples, shape.source),
            "decoder_input_ids": _tokens(shape.samples, shape.length),
            "use_cache": False,
        }
    inputs: dict[str, torch.Tensor | bool] = {"input_ids": _tokens(shape.samples, shape.length)}
    if kind in _PLAIN_INPUTS:
        return inputs
    # An explicit mask: making one looks at values, which a meta tensor has not.
    mask: Any = _mask(shape)
    if kind == "bloom" or getattr(config, "alibi", False):
        mask = torch.ones(shape.samples, shape.length, device="meta")
    types = getattr(config, "layer_types", None)
    if kind in _MASK_PER_TYPE and types:
        mask = dict.fromkeys(set(types), mask)
    inputs["attention_mask"] = mask
    if kind != "bloom":
        inputs["position_ids"] = _tokens(shape.samples, shape.length)
    inputs["use_cache"] = False
    return inputs


_PLAIN_INPUTS = frozenset(
    [
        "bert",
        "roberta",
        "xlm-roberta",
        "camembert",
        "distilbert",
        "electra",
        "albert",
        "esm",
        "clip_text_model",
        "mamba2",
        "t5",
    ]
)
_MASK_PER_TYPE = frozenset(
    [
        "gemma2",
        "gemma3_text",
        "qwen2",
        "qwen3",
        "qwen2_moe",
        "cohere2",
        "olmo3",
        "gpt_oss",
        "llama4_text",
        "smollm3",
        "ministral",
    ]
)


def _mask(shape: Shape) -> torch.Tensor:
    return torch.zeros(shape.samples, 1, shape.length, shape.length, device="meta")


def _tokens(samples: int, length: int) -> torch.Tensor:
    return torch.zeros(samples, length, dtype=torch.long, device="meta")


def _pixels(config: Any, samples: int) -> torch.Tensor:
    size = config.image_size
    height, width = (size, size) if isinstance(size, int) else size
    return torch.zeros(samples, config.num_channels, height, width, device="meta")
