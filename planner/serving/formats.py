"""Number formats of a model that serves: bytes of weights and cache, and the rate at which products run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.record import record

Array = NDArray[np.float64]


@record
class Stored:
    """Weights of one kind.

    Parameters
    ----------
    bytes_per_weight : scales of block formats included [B].
    bits : of the format that products run in: 32, 16, 8 or 4 [1].
    unpacked : 1 where weights are kept in fewer bits than their products run in, else 0.
    """

    bytes_per_weight: Array
    bits: Array
    unpacked: Array


@record
class Formats:
    """Formats of one served model.

    Parameters
    ----------
    attention : projections of attention and recurrences.
    dense : dense and shared feed-forward parts.
    experts : routed experts.
    head_bytes : of one weight of the vocabulary matrix, the token table and what else is kept whole [B].
    cache_bytes : of one element of the key-value cache [B].
    """

    attention: Stored
    dense: Stored
    experts: Stored
    head_bytes: Array
    cache_bytes: Array

    @staticmethod
    def of(
        weights: str,
        *,
        products: str | None = None,
        attention: str | None = None,
        dense: str | None = None,
        cache: str | None = None,
        head: str | None = None,
    ) -> Formats:
        """Give formats by their names.

        Parameters
        ----------
        weights : of everything that has no name of its own here.
        products : format that products run in; as the weights unless those are integers of 4 bits.
        attention, dense : where projections of attention, or dense parts, are kept in another format.
        cache : of keys and values; 16 bits by default.
        head : of the vocabulary matrix; 16 bits by default, wider where the weights are.

        >>> float(Formats.of("int4").dense.bits), float(Formats.of("fp8").dense.bits)
        (16.0, 8.0)
        """
        whole = "fp32" if weights == "fp32" else "bf16"
        return Formats(
            attention=_stored(attention or weights, products),
            dense=_stored(dense or weights, products),
            experts=_stored(weights, products),
            head_bytes=np.asarray(BYTES_OF[head or whole]),
            cache_bytes=np.asarray(BYTES_OF[cache or "bf16"]),
        )


BYTES_OF: dict[str, float] = {
    "fp32": 4.0,
    "tf32": 4.0,
    "bf16": 2.0,
    "fp16": 2.0,
    "fp8": 1.0,
    "int8": 1.0,
    "nvfp4": 0.5 + 1.0 / 16.0,  # a scale of 8 bits for 16 weights [NVIDIA, NVFP4]
    "mxfp4": 0.5 + 1.0 / 32.0,  # a scale of 8 bits for 32 weights [OCP, MX formats 1.0]
    "fp4": 0.5 + 1.0 / 16.0,
    "int4": 0.5 + 2.5 / 128.0,  # a scale of 16 bits and a zero point of 4 for 128 weights [GPTQ, AWQ]
    "int4-g32": 0.5 + 4.0 / 32.0,  # a scale and a zero point of 16 bits for 32 weights [gpt-fast]
    "q8_0": 1.0 + 2.0 / 32.0,  # a scale of 16 bits for 32 weights [llama.cpp, block_q8_0]
    "q6_k": 210.0 / 256.0,  # 210 bytes for 256 weights [llama.cpp, block_q6_K]
    "q4_0": 0.5 + 2.0 / 32.0,  # a scale of 16 bits for 32 weights [llama.cpp, block_q4_0]
    "fp6": 6.0 / 8.0,
    "q5_1": 0.625 + 4.0 / 32.0,  # a scale and a least value of 16 bits for 32 weights [llama.cpp, block_q5_1]
    "q5_0": 0.625 + 2.0 / 32.0,  # a scale of 16 bits for 32 weights [llama.cpp, block_q5_0]
    "q4_1": 0.5 + 4.0 / 32.0,  # a scale and a least value of 16 bits for 32 weights [llama.cpp, block_q4_1]
    "iq4_xs": 4.32 / 8.0,  # over whole files [llama.cpp, quantize]
    "q3_k_m": 3.91 / 8.0,  # over whole files [llama.cpp, quantize]
    "q2_k": 3.0 / 8.0,  # 2.96 to 3.17 over whole files [llama.cpp, quantize]
    "q5_k_m": 5.68 / 8.0,  # 5.67 to 5.70 [llama.cpp, quantize]
    "q4_k_s": 4.6 / 8.0,  # 4.57 to 4.67 [llama.cpp, quantize]
    "q4_k_m": 4.85 / 8.0,  # 4.83 to 4.89 bits a weight over whole files [llama.cpp, quantize]
}
"""Bytes of one element by format, scales included."""

_BITS = {"fp32": 32.0, "tf32": 32.0, "bf16": 16.0, "fp16": 16.0, "fp8": 8.0, "int8": 8.0, "nvfp4": 4.0, "fp4": 4.0}
_UNPACKED = (
    *("int4", "int4-g32", "mxfp4", "fp6", "q8_0", "q6_k", "q5_k_m", "q5_0", "q5_1", "q4_0", "q4_1", "q4_k_s", "q4_k_m"),
    *("iq4_xs", "q3_k_m", "q2_k"),
)


def _stored(name: str, products: str | None) -> Stored:
    runs_in = products if products and BYTES_OF[products] >= BYTES_OF[name] else name
    bits = 16.0 if runs_in in _UNPACKED else _BITS[runs_in]
    unpacked = BYTES_OF[name] * 8.0 < bits - 4.0  # nvfp4's scales are no wider format
    return Stored(np.asarray(BYTES_OF[name]), np.asarray(bits), np.asarray(float(unpacked)))
