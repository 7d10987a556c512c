"""The suite's kernels in torch, the same on every device: made once, called many times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from planner.bench import host
from planner.bench.backend import NotRunnable, Prepared
from planner.bench.suite import Case


class TorchDevice(Protocol):
    """What kernels need of the device that they run on; `torch_backend.TorchBackend` is one.

    Parameters
    ----------
    torch : the module. device : its name there. generator : of its random numbers.
    """

    torch: Any
    device: str
    generator: Any

    @property
    def is_processor(self) -> bool:
        """Whether it is a processor and no accelerator."""

    def normal(self, dtype: str, *shape: int) -> Any:
        """Give random normal numbers in a format on the device."""

    def rotated(self, dtype: str, copies: int, *shape: int) -> list[Any]:
        """Give so many operands of a shape."""


TYPES = {
    "fp64": "float64",
    "fp32": "float32",
    "tf32": "float32",
    "bf16": "bfloat16",
    "fp16": "float16",
    "fp8": "float8_e4m3fn",
    "int8": "int8",
}
_CHECKED_FLOP = 4e9  # larger results are compared in their first rows


def _matmul(backend: TorchDevice, case: Case) -> Prepared:
    m, n, k = case.size
    torch = backend.torch
    copies = host.copies_that_leave_the_cache(case.bytes) if case.operands == "cold" else 1
    made = "fp32" if case.dtype in ("int8", "fp8") else case.dtype
    left = backend.normal(made, k, m).t() if case.layout == "tn" else backend.normal(made, m, k)
    stored = backend.rotated(made, copies, *((n, k) if case.layout == "nt" else (k, n)))
    rights = [each.t() for each in stored] if case.layout == "nt" else stored
    product: Callable[[Any, Any], Any] = torch.mm
    if case.dtype == "int8":
        left, rights = (left * 16).to(torch.int8), [(right * 16).to(torch.int8) for right in rights]
        product = torch._int_mm
    if case.dtype == "fp8":
        if case.layout != "nt":
            raise NotRunnable("scaled products of 8-bit floats take the second operand by columns alone")
        left, rights = left.to(torch.float8_e4m3fn), [right.to(torch.float8_e4m3fn) for right in rights]
        one = torch.ones((), device=backend.device)
        product = lambda a, b: torch._scaled_mm(a, b, scale_a=one, scale_b=one, out_dtype=torch.bfloat16)  # noqa: E731
    turn, last = [0], [None]

    def run() -> None:
        turn[0] = (turn[0] + 1) % copies
        last[0] = product(left, rights[turn[0]])

    return Prepared(run, lambda: _error(backend, last[0], left, rights[turn[0]]))


def _error(backend: TorchDevice, result: Any, left: Any, right: Any) -> float:
    """Give the largest error of a product's first rows against 64 bits, relative to the largest element."""
    torch = backend.torch
    rows = max(1, min(left.shape[-2], int(_CHECKED_FLOP / (2 * right.shape[-1] * right.shape[-2]))))
    wanted = left[..., :rows, :].cpu().to(torch.float64) @ right.cpu().to(torch.float64)
    got = result[..., :rows, :].cpu().to(torch.float64)
    return float((got - wanted).abs().max() / wanted.abs().max())


def _batched(backend: TorchDevice, case: Case) -> Prepared:
    groups, m, n, k = case.size
    left, right = backend.normal(case.dtype, groups, m, k), backend.normal(case.dtype, groups, n, k).transpose(1, 2)
    last: list[Any] = [None]

    def run() -> None:
        last[0] = backend.torch.bmm(left, right)

    return Prepared(run, lambda: _error(backend, last[0], left, right))


def _grouped(backend: TorchDevice, case: Case) -> Prepared:
    """Products of experts one after the other, as a plain loop over experts runs them."""
    groups, m, n, k = case.size
    left = [backend.normal(case.dtype, m, k) for _ in range(groups)]
    right = [backend.normal(case.dtype, n, k) for _ in range(groups)]
    last: list[Any] = [None]

    def run() -> None:
        last[0] = [backend.torch.nn.functional.linear(a, b) for a, b in zip(left, right, strict=True)][-1]

    return Prepared(run, lambda: _error(backend, last[0], left[-1], right[-1].t()))


def _attention(backend: TorchDevice, case: Case) -> Prepared:
    sequences, heads, kv_heads, queries, keys, head = case.size
    trains = case.kernel.endswith("train")
    q = backend.normal(case.dtype, sequences, heads, queries, head).requires_grad_(trains)
    copies = host.copies_that_leave_the_cache(case.bytes) if case.operands == "cold" else 1
    kept = [
        [backend.normal(case.dtype, sequences, kv_heads, keys, head).requires_grad_(trains) for _ in range(2)]
        for _ in range(copies)
    ]
    turn = [0]
    attend = backend.torch.nn.functional.scaled_dot_product_attention

    def run() -> None:
        turn[0] = (turn[0] + 1) % copies
        k, v = kept[turn[0]]
        result = attend(q, k, v, is_causal=queries > 1, enable_gqa=kv_heads != heads)
        if trains:
            backend.torch.autograd.grad(result, (q, k, v), result.detach())

    return Prepared(run)


def _rows(operation: Callable[[Any, Any], Any]) -> Callable[[TorchDevice, Case], Prepared]:
    """Give the maker of a kernel of one matrix."""

    def make(backend: TorchDevice, case: Case) -> Prepared:
        values = backend.normal(case.dtype, *case.size)
        return Prepared(lambda: operation(backend.torch, values))

    return make


def _layer_norm(torch: Any, x: Any) -> Any:
    return torch.nn.functional.layer_norm(x, x.shape[-1:])


def _rms_norm(torch: Any, x: Any) -> Any:
    return torch.nn.functional.rms_norm(x, x.shape[-1:])


def _gelu(torch: Any, x: Any) -> Any:
    return torch.nn.functional.gelu(x)


def _silu_gate(torch: Any, x: Any) -> Any:
    return torch.nn.functional.silu(x) * x


def _add(_: Any, x: Any) -> Any:
    return x + x


def _rotary(torch: Any, x: Any) -> Any:
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * second - second, second * first + first), dim=-1)


def _softmax(_: Any, x: Any) -> Any:
    return x.softmax(dim=-1)


def _embedding(backend: TorchDevice, case: Case) -> Prepared:
    tokens, hidden = case.size
    table = backend.normal(case.dtype, 16 * tokens, hidden)
    chosen = backend.torch.randint(0, 16 * tokens, (tokens,), generator=backend.generator).to(backend.device)
    return Prepared(lambda: backend.torch.nn.functional.embedding(chosen, table))


def _loss(backend: TorchDevice, case: Case) -> Prepared:
    tokens, words = case.size
    logits = backend.normal(case.dtype, tokens, words).requires_grad_()
    wanted = backend.torch.randint(0, words, (tokens,), generator=backend.generator).to(backend.device)

    def run() -> None:
        loss = backend.torch.nn.functional.cross_entropy(logits.float(), wanted)
        backend.torch.autograd.grad(loss, logits)

    return Prepared(run)


def _adamw(*, fused: bool) -> Callable[[TorchDevice, Case], Prepared]:
    def make(backend: TorchDevice, case: Case) -> Prepared:
        torch, (count, tensors) = backend.torch, case.size
        parameters = [torch.nn.Parameter(backend.normal(case.dtype, count // tensors)) for _ in range(tensors)]
        for parameter in parameters:
            parameter.grad = backend.normal(case.dtype, count // tensors)
        optimizer = torch.optim.AdamW(parameters, lr=1e-4, **({"fused": True} if fused else {}))
        return Prepared(optimizer.step)

    return make


def _cold_read(backend: TorchDevice, case: Case) -> Prepared:
    """Read one stretch after the other, of as many as no cache holds."""
    copies = host.copies_that_leave_the_cache(case.bytes)
    stretches = backend.rotated(case.dtype, copies, case.size[0])
    turn = [0]

    def run() -> None:
        turn[0] = (turn[0] + 1) % copies
        stretches[turn[0]].sum()

    return Prepared(run)


def _stream(backend: TorchDevice, case: Case) -> Prepared:
    if case.operands == "cold":
        return _cold_read(backend, case)
    first, second = backend.normal(case.dtype, case.size[0]), backend.normal(case.dtype, case.size[0])
    out = backend.torch.empty_like(first)
    if case.kernel == "copy":
        return Prepared(lambda: out.copy_(first))
    if case.kernel == "read":
        return Prepared(first.sum)
    return Prepared(lambda: backend.torch.add(first, second, alpha=3, out=out))


def _transfer(backend: TorchDevice, case: Case) -> Prepared:
    if backend.is_processor:
        raise NotRunnable("the device is the host: nothing is copied between them")
    here = backend.normal(case.dtype, case.size[0]).cpu().pin_memory()
    there = backend.torch.empty_like(here, device=backend.device)
    return Prepared(lambda: there.copy_(here, non_blocking=True))


def _launch(backend: TorchDevice, case: Case) -> Prepared:
    value = backend.normal(case.dtype, 1)
    return Prepared(lambda: value.add_(0))


def _block(backend: TorchDevice, case: Case) -> Prepared:
    """One whole layer; with its backward pass where the kernel says so."""
    from planner.bench.models import Block, layer_shape

    sequences, length, hidden = case.size[:3]
    shape = layer_shape(case.size, experts="experts" in case.kernel)
    dtype = getattr(backend.torch, TYPES[case.dtype])
    layer = Block(backend.torch, shape, device=backend.device, dtype=dtype)
    weights_bytes = sum(each.numel() * each.element_size() for module in layer.modules for each in module.parameters())
    copies = host.copies_that_leave_the_cache(weights_bytes) if case.operands == "cold" else 1
    layers = [layer, *(Block(backend.torch, shape, device=backend.device, dtype=dtype) for _ in range(copies - 1))]
    trains = case.kernel.endswith("train")
    values = backend.normal(case.dtype, sequences, length, hidden).requires_grad_(trains)
    gradient = values.detach().clone()
    wanted = [(values, *(each for module in one.modules for each in module.parameters())) for one in layers]
    turn = [0]

    def run() -> None:
        turn[0] = (turn[0] + 1) % copies
        if trains:  # new gradients every time, as behind an optimizer that forgets the old ones
            result = layers[turn[0]](values)
            backend.torch.autograd.grad(result, wanted[turn[0]], gradient, allow_unused=True)
            return
        with backend.torch.inference_mode():  # as engines run: a tenth less of launches than without gradients alone
            layers[turn[0]](values)

    return Prepared(run)


MAKERS: dict[str, Callable[[TorchDevice, Case], Prepared]] = {
    "matmul": _matmul,
    "batched": _batched,
    "grouped": _grouped,
    "attention": _attention,
    "attention-train": _attention,
    "layer-norm": _rows(_layer_norm),
    "rms-norm": _rows(_rms_norm),
    "gelu": _rows(_gelu),
    "silu-gate": _rows(_silu_gate),
    "add": _rows(_add),
    "rotary": _rows(_rotary),
    "softmax": _rows(_softmax),
    "embedding": _embedding,
    "loss": _loss,
    "adamw": _adamw(fused=False),
    "adamw-fused": _adamw(fused=True),
    "copy": _stream,
    "triad": _stream,
    "read": _stream,
    "host-device-copy": _transfer,
    "launch": _launch,
    "block": _block,
    "block-train": _block,
    "block-experts": _block,
    "block-experts-train": _block,
}
