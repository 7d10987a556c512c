"""What a model keeps for its backward pass outside its layers: before the first, between stacks, behind the last."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.training.activations import Stream
from planner.training.implementation import Implementation
from planner.training.tape import Kept, SavedTensor, Tape
from planner.workload.architecture import Architecture, Stack
from planner.workload.operators import Sharding, Tokens, local_inputs, local_outputs

Array = NDArray[np.float64]

_NUMBER_BYTES = 8.0  # a token's number, as lookup and loss keep it


def stem_bytes(architecture: Architecture, tokens: Tokens, sharding: Sharding, implementation: Implementation) -> Array:
    """Give what stands before the first layer and is kept for its backward pass [B].

    Parameters
    ----------
    architecture, tokens : the model, and the input of its first stack in one micro-batch.
    sharding, implementation : how it is spread, what the framework saves.

    Returns
    -------
    Numbers of the tokens or pixels of a sample, norms and dropout of the embedding [B].
    """
    stack = architecture.stacks[0]
    tape = Tape(implementation)
    element = implementation.element_bytes
    stream = Stream.of(stack.hidden, tokens, sharding, element)
    for number, stem in enumerate(architecture.convolutions):
        positions = tokens.sequences * stem.positions_per_sample / sharding.context
        # Patches are cut side by side, so their inputs are the image; a stem of several overlaps its inputs.
        inputs = stem.kernel_inputs if len(architecture.convolutions) == 1 else stem.kernel_inputs / _OVERLAP[number]
        tape.save(SavedTensor(f"{stem.name} input", Kept.PROJECTION, element * positions * inputs))
        if len(architecture.convolutions) > 1:
            tape.save(SavedTensor(f"{stem.name} result", Kept.PROJECTION, element * positions * stem.outputs))
    if not architecture.convolutions:
        tape.save(SavedTensor("numbers of tokens", Kept.PROJECTION, _NUMBER_BYTES * stream.here))
    for projection in architecture.embedding_projections:
        tape.save(SavedTensor(f"{projection.name} input", Kept.PROJECTION, element * stream.rows * projection.inputs))
    if stack.embedding_norm:
        embedded = SavedTensor("embedding", Kept.PROJECTION, stream.hidden_bytes)
        tape.norm("embedding norm", embedded, rows=stream.rows, kind=stack.kinds[0].normalization)
    tape.dropout("embedding", stream.hidden_bytes)
    return _total(tape)


_OVERLAP = (3.0, 1.5)  # kernels of 3 positions, at a stride of 1 and of 2


def source_bytes(stack: Stack, tokens: Tokens, sharding: Sharding, implementation: Implementation) -> Array:
    """Give what an encoder leaves for its decoder's layers: its last norm's input and result [B].

    All cross-attention of a micro-batch reads the one result.
    """
    tape = Tape(implementation)
    stream = Stream.of(stack.hidden, tokens, sharding, implementation.element_bytes)
    tape.save(_save_final_norm(tape, stack, stream))
    return _total(tape)


def table_bytes(architecture: Architecture, length: Array, sharding: Sharding, implementation: Implementation) -> Array:
    """Give the tables of rotary positions, which all layers and micro-batches share [B]."""
    dims = [core.key_dim for stack in architecture.stacks for kind in stack.kinds for core in kind.cores if core.rotary]
    row = implementation.rotary_tables * implementation.element_bytes * max(dims, default=0)
    return row * np.asarray(length) / sharding.context


def head_bytes(
    architecture: Architecture,
    tokens: Tokens,
    sharding: Sharding,
    implementation: Implementation,
    *,
    copies: Array | float,
) -> Array:
    """Give what the head keeps: the last norm, the inputs of the head's products, and the logits [B].

    Parameters
    ----------
    architecture, tokens : the model, and the input of its last stack in one micro-batch.
    sharding, implementation : how it is spread, what the framework saves.
    copies : copies of the logits that are alive at once [1]: 1 where loss and gradient are computed in place
        or the loss keeps its log-probabilities alone, about 5 where a 32-bit copy and its softmax are made.
    """
    tape = Tape(implementation)
    stream = Stream.of(architecture.hidden, tokens, sharding, implementation.element_bytes)
    element, share = implementation.element_bytes, architecture.head_token_share
    result = _save_final_norm(tape, architecture.main, stream)
    logits = implementation.logit_bytes or element
    for number, projection in enumerate(architecture.head):
        if number:
            inputs = element * stream.here * share * local_inputs(projection, sharding.tensor)
            tape.save(SavedTensor(f"{projection.name} input", Kept.PROJECTION, inputs))
        else:
            tape.save(SavedTensor(result.name, result.group, result.size_bytes * share))
        if projection.name == "vocabulary":
            width = local_outputs(projection, sharding.tensor)
            # Layers that predict further tokens have logits of their own.
            width = width * (1.0 + (architecture.multi_token.layers if architecture.multi_token else 0))
            tape.save(SavedTensor("logits", Kept.PROJECTION, copies * logits * stream.here * share * width))
            tape.save(SavedTensor("wanted tokens", Kept.PROJECTION, _NUMBER_BYTES * stream.here))
    for projection in architecture.pooled:
        inputs = element * tokens.sequences * projection.inputs
        tape.save(SavedTensor(f"{projection.name} input", Kept.PROJECTION, inputs))
    return _total(tape)


def _save_final_norm(tape: Tape, stack: Stack, stream: Stream) -> SavedTensor:
    last = SavedTensor("last layer's result", Kept.PROJECTION, stream.hidden_bytes)
    if not stack.final_norm:
        return last
    return tape.norm("final norm", last, rows=stream.rows, kind=stack.kinds[stack.order[-1]].normalization)


def _total(tape: Tape) -> Array:
    total: Array = sum((t.size_bytes for t in tape.saved.values()), start=np.asarray(0.0))
    return total
