"""One published model: its shape, and what is known of how it was trained."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.catalog.convolutional import ConvolutionalSpec
from planner.catalog.entry import Entry
from planner.catalog.shape import ArchitectureSpec
from planner.documents.types import Count, Date, Id, Record, Share, Text, Tokens, Whole

__all__ = ["ArchitectureSpec", "Model", "PublishedRun"]

PositiveDays = Annotated[float, Field(gt=0.0, le=1e5)]


class PublishedRun(Record):
    """What was published of the run that trained the model.

    Parameters
    ----------
    tokens : tokens processed, repeats included; what 6ND is computed with.
    dataset_tokens : tokens of the corpus, each counted once; never what 6ND is computed with.
    accelerator, accelerators : kind and number, as the source names them.
    accelerator_hours : accelerator-hours of the run.
    days : wall-clock days.
    flops : operations, as published; whether recomputation is in it differs between sources.
    utilization : share of the peak that was reached; sources mix MFU and HFU.
    """

    tokens: Tokens | None = None
    dataset_tokens: Tokens | None = None
    accelerator: Text = ""
    accelerators: Whole | None = None
    accelerator_hours: Count | None = None
    days: PositiveDays | None = None
    flops: Count | None = None
    utilization: Share | None = None
    note: Text = ""


class Model(Entry):
    """One model.

    Parameters
    ----------
    architecture, convolutions : shape of a transformer, or of a convolutional network.
    parameters : published count, exact where the checkpoint is public.
    active_parameters : published count that one token meets.
    forward_flops_per_sample : published cost of one sample (an image), for models without an architecture.
    proxy_of : the model of which this is a cut-down shape, made for a benchmark.
    unpublished : what is not known of the model, in words; such an entry may lack an architecture.
    unsupported : why a published shape is not computed here (a UNet, say).
    """

    schema_: Annotated[Literal["planner/model/v1"], Field(alias="schema")]
    family: Id
    architecture: ArchitectureSpec | None = None
    convolutions: ConvolutionalSpec | None = None
    parameters: Count | None = None
    active_parameters: Count | None = None
    forward_flops_per_sample: Count | None = None
    released: Date | None = None
    training: PublishedRun | None = None
    proxy_of: Id | None = None
    unpublished: Text = ""
    unsupported: Text = ""
