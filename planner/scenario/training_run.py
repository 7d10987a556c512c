"""One training run: the model, its data, how it is spread, and on what."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.catalog.shape import ArchitectureSpec
from planner.documents.types import (
    Flag,
    Record,
    Share,
    Text,
    UncertainRatio,
    UncertainTokens,
    Whole,
    quantity,
)
from planner.scenario.claim import Claim
from planner.scenario.hardware import HardwareChoice, Operations
from planner.units.dimensions import BYTES_PER_TOKEN, SEQUENCES

ComputePrecision = Literal["fp32", "tf32", "bf16", "fp16", "fp8", "mxfp8", "nvfp4", "int8"]
StatePrecision = Literal["fp32", "bf16", "fp16", "fp8"]
Optimizer = Literal["adam", "adam-8bit", "adafactor", "sgd", "sgd-momentum"]
Place = Literal["device", "host", "disk"]
Module = Literal["attention", "norms", "activation", "feed-forward", "latent"]
Sequences = Annotated[float, quantity(SEQUENCES)]


class PrecisionChoice(Record):
    """Number formats: of the products, of gradients as they add up, of the optimizer's states and master copy.

    `master: none` trains the weights in their own format, with stochastic rounding where the chip has it.
    """

    compute: ComputePrecision = "bf16"
    gradients: StatePrecision = "fp32"
    optimizer: StatePrecision = "fp32"
    master: Literal["fp32", "none"] = "fp32"


class FineTuning(Record):
    """What of the model is trained: everything, or low-rank adapters of a rank on every projection."""

    method: Literal["full", "lora"] = "full"
    rank: Whole = 16


class TrainingWorkload(Record):
    """What is trained on what.

    Parameters
    ----------
    model : catalog id or alias; or `architecture` gives the shape in place.
    tokens : of the whole run.
    sequence_length : tokens of one sample.
    source_length : tokens of an encoder's input, for encoder-decoders; as the sequence where unsaid.
    global_batch : sequences of one optimizer step.
    real_token_share : share of the tokens that are no padding.
    bytes_per_token : read from storage for one token.
    load_imbalance : the fullest expert rank against the mean; the profile's where unsaid.
    """

    kind: Literal["training"]
    model: Text | None = None
    architecture: ArchitectureSpec | None = None
    tokens: UncertainTokens | None = None
    sequence_length: Whole | None = None
    source_length: Whole | None = None
    global_batch: Sequences
    precision: PrecisionChoice = PrecisionChoice()
    optimizer: Optimizer = "adam"
    fine_tuning: FineTuning = FineTuning()
    real_token_share: Share = 1.0
    bytes_per_token: Annotated[float, quantity(BYTES_PER_TOKEN)] | None = None
    load_imbalance: UncertainRatio | None = None
    dropout: Flag = False
    flash_attention: Flag = True


class Parallelism(Record):
    """Degrees; what is not said is 1, and `data` is what the others leave.

    Parameters
    ----------
    embedding_and_head_are_layers : they fill a layer's slot each when layers are dealt to stages.
    sharding : zero-1 optimizer states, zero-2 and gradients, zero-3 (FSDP) and parameters.
    sharding_group : ranks over which states are divided, where that is not all data ranks.
    """

    tensor: Whole = 1
    pipeline: Whole = 1
    data: Whole | None = None
    context: Whole = 1
    expert: Whole = 1
    expert_tensor: Whole = 1
    interleave: Whole = 1
    micro_batch: Whole = 1
    sequence_parallel: Flag | None = None
    sharding: Literal["none", "zero-1", "zero-2", "zero-3", "fsdp"] = "zero-1"
    sharding_group: Whole | None = None
    schedule: Literal["1f1b", "zb-h1", "zb-h2", "dual-pipe"] = "1f1b"
    embedding_and_head_are_layers: Flag = False


class RecomputeChoice(Record):
    """Modules that are computed again in the backward pass, and the share of layers computed again whole."""

    modules: tuple[Module, ...] = ()
    layers: Share = 0.0


class OffloadChoice(Record):
    """Where states are kept."""

    parameters: Place = "device"
    gradients: Place = "device"
    optimizer: Place = "device"
    activations: Place = "device"


class TrainingRun(Record):
    """A scenario that trains a model."""

    schema_: Annotated[Literal["planner/scenario/v1"], Field(alias="schema")]
    name: Text
    title: Text = ""
    notes: Text = ""
    tags: dict[Text, Text] = Field(default_factory=dict)
    workload: TrainingWorkload
    hardware: HardwareChoice
    framework: Text | None = None
    parallelism: Parallelism | Literal["auto"] = Parallelism()
    recompute: Literal["none", "selective", "full"] | RecomputeChoice = "none"
    offload: OffloadChoice = OffloadChoice()
    operations: Operations = Operations()
    claim: Claim | None = None
