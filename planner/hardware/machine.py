"""A machine as numbers: what one accelerator, its node and the network between nodes can do.

Every field is a float or a float64 array; a search over machines gives them an axis of their own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.record import record

Array = NDArray[np.float64]


@record
class Machine:
    """One kind of node, many of which work together.

    Parameters
    ----------
    memory_bytes : device memory that a program can have, per accelerator [B].
    memory_bandwidth_bytes_per_s : device memory [B/s].
    matrix_flops_per_s : dense peak in the precision of the layers' products [FLOP/s].
    matrix_16bit_flops_per_s : dense peak in 16 bits, for attention and the head [FLOP/s].
    units : multiprocessors or cores that share a product [1].
    domain : accelerators joined by the scale-up link [1].
    domain_bandwidth_bytes_per_s : scale-up link, one direction, per accelerator, all its ports together [B/s].
    torus : dimensions of the torus that a domain's accelerators form; 0 where a switch, or a link of every
        pair's own, joins them [1].
    node_accelerators : accelerators of one node [1].
    fabric_bandwidth_bytes_per_s : network, one direction, one accelerator's share of its node's ports [B/s].
    fabric_latency_s : one small message across the network [s].
    host_link_bytes_per_s : host memory to one accelerator, one direction [B/s].
    host_memory_bytes : host memory, one accelerator's share [B].
    disk_read_bytes_per_s, disk_write_bytes_per_s : local drives, one accelerator's share [B/s].
    disk_bytes : local drives, one accelerator's share [B].

    Unknown rates and sizes are NaN; what needs them is refused before it is computed.
    """

    memory_bytes: Array
    memory_bandwidth_bytes_per_s: Array
    matrix_flops_per_s: Array
    matrix_16bit_flops_per_s: Array
    units: Array
    domain: Array
    domain_bandwidth_bytes_per_s: Array
    torus: Array
    node_accelerators: Array
    fabric_bandwidth_bytes_per_s: Array
    fabric_latency_s: Array
    host_link_bytes_per_s: Array
    host_memory_bytes: Array
    disk_read_bytes_per_s: Array
    disk_write_bytes_per_s: Array
    disk_bytes: Array
