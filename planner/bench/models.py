"""Small real transformers in torch: GPT-2 and Llama style, with experts, encoders; built here, weights random."""

from __future__ import annotations

from typing import Any

from planner.record import record


@record
class Shape:
    """A transformer.

    Parameters
    ----------
    name : of the model. hidden, heads, kv_heads, layers, width, vocabulary : its sizes; as many key-value heads as
        heads where 0.
    gated : RMS norms, rotary positions and a gated feed-forward part without biases, as in Llama; else GPT-2.
    experts, top_k : of every layer; 0 where there are none.
    causal : false for an encoder.
    longest : positions of the table where there is one.
    """

    name: str
    hidden: int
    heads: int
    layers: int
    width: int
    vocabulary: int
    kv_heads: int = 0
    gated: bool = False
    experts: int = 0
    top_k: int = 0
    causal: bool = True
    longest: int = 1024

    @property
    def key_values(self) -> int:
        """Heads of keys and values."""
        return self.kv_heads or self.heads

    @property
    def head(self) -> int:
        """Size of a head."""
        return self.hidden // self.heads


def layer_shape(size: tuple[int, ...], *, experts: bool) -> Shape:
    """Give one layer from a size of the suite: ..., hidden, heads, width, and gated or the number of experts."""
    _, _, hidden, heads, width, last = size
    count = last if experts else 0
    return Shape(
        "layer", hidden=hidden, heads=heads, layers=1, width=width, vocabulary=1,
        gated=bool(last) and not experts, experts=count, top_k=min(2, count),
    )  # fmt: skip


class _Layers:
    """Builds torch's own layers on one device and keeps what they train."""

    def __init__(self, torch: Any, shape: Shape, *, device: str, dtype: Any) -> None:
        self.torch, self.shape, self.device, self.dtype = torch, shape, device, dtype
        self.modules: list[Any] = []

    def kept(self, module: Any) -> Any:
        made = module.to(device=self.device, dtype=self.dtype)
        self.modules.append(made)
        return made

    def linear(self, inputs: int, outputs: int) -> Any:
        return self.kept(self.torch.nn.Linear(inputs, outputs, bias=not self.shape.gated))

    def norm(self) -> Any:
        kind = self.torch.nn.RMSNorm if self.shape.gated else self.torch.nn.LayerNorm
        return self.kept(kind(self.shape.hidden))


class Cache:
    """Keys and values of earlier tokens, of one layer, with room for what comes."""

    def __init__(self, keys: Any, values: Any) -> None:
        self.keys, self.values = keys, values

    def joined(self, keys: Any, values: Any, at: int) -> tuple[Any, Any]:
        """Write new keys and values at a place and give all up to it."""
        end = at + keys.shape[2]
        self.keys[:, :, at:end], self.values[:, :, at:end] = keys, values
        return self.keys[:, :, :end], self.values[:, :, :end]


class Block:
    """One layer."""

    def __init__(self, torch: Any, shape: Shape, *, device: str, dtype: Any) -> None:
        self.torch, self.shape = torch, shape
        layers = _Layers(torch, shape, device=device, dtype=dtype)
        self.first, self.second = layers.norm(), layers.norm()
        self.projection = layers.linear(shape.hidden, (shape.heads + 2 * shape.key_values) * shape.head)
        self.output = layers.linear(shape.hidden, shape.hidden)
        count = max(1, shape.experts)
        up = shape.width * (2 if shape.gated else 1)
        self.ups = [layers.linear(shape.hidden, up) for _ in range(count)]
        self.downs = [layers.linear(shape.width, shape.hidden) for _ in range(count)]
        self.router = layers.linear(shape.hidden, shape.experts) if shape.experts else None
        self.modules = layers.modules
        self.rotary = _rotary(torch, shape, device, dtype) if shape.gated else None

    def __call__(self, x: Any, cache: Cache | None = None, at: int = 0) -> Any:
        x = x + self._attention(self.first(x), cache, at)
        return x + self._feed_forward(self.second(x))

    def _attention(self, x: Any, cache: Cache | None, at: int) -> Any:
        shape, (sequences, length, _) = self.shape, x.shape
        both = self.projection(x).view(sequences, length, -1, shape.head).transpose(1, 2)
        q, k, v = both.split((shape.heads, shape.key_values, shape.key_values), dim=1)
        if self.rotary is not None:
            cos, sin = (table[at : at + length] for table in self.rotary)
            q, k = _turned(self.torch, q, cos, sin), _turned(self.torch, k, cos, sin)
        if cache is not None:
            k, v = cache.joined(k, v, at)
        attend = self.torch.nn.functional.scaled_dot_product_attention
        mixed = attend(q, k, v, is_causal=shape.causal and length > 1, enable_gqa=shape.key_values != shape.heads)
        return self.output(mixed.transpose(1, 2).reshape(sequences, length, shape.hidden))

    def _feed_forward(self, x: Any) -> Any:
        if self.router is None:
            return self._expert(x, 0)
        flat = x.reshape(-1, x.shape[-1])
        weights, chosen = self.router(flat).softmax(dim=-1).topk(self.shape.top_k, dim=-1)
        result = self.torch.zeros_like(flat)
        for expert in range(self.shape.experts):
            token, place = (chosen == expert).nonzero(as_tuple=True)
            if token.numel():
                given = self._expert(flat[token], expert) * weights[token, place, None]
                result = result.index_add(0, token, given)
        return result.view_as(x)

    def _expert(self, x: Any, number: int) -> Any:
        inner = self.ups[number](x)
        if self.shape.gated:
            gate, up = inner.chunk(2, dim=-1)
            return self.downs[number](self.torch.nn.functional.silu(gate) * up)
        return self.downs[number](self.torch.nn.functional.gelu(inner))


def _rotary(torch: Any, shape: Shape, device: str, dtype: Any) -> tuple[Any, Any]:
    half = shape.head // 2
    turns = torch.outer(torch.arange(float(4 * shape.longest)), 1e4 ** (-torch.arange(float(half)) / half))
    twice = torch.cat((turns, turns), dim=-1)
    return twice.cos().to(device=device, dtype=dtype), twice.sin().to(device=device, dtype=dtype)


def _turned(torch: Any, x: Any, cos: Any, sin: Any) -> Any:
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin


class Transformer:
    """A whole model."""

    def __init__(self, torch: Any, shape: Shape, *, device: str = "cpu", dtype: Any = None) -> None:
        dtype = dtype or torch.float32
        self.torch, self.shape, self.device, self.dtype = torch, shape, device, dtype
        layers = _Layers(torch, shape, device=device, dtype=dtype)
        self.tokens = layers.kept(torch.nn.Embedding(shape.vocabulary, shape.hidden))
        self.places = None if shape.gated else layers.kept(torch.nn.Embedding(shape.longest, shape.hidden))
        self.blocks = [Block(torch, shape, device=device, dtype=dtype) for _ in range(shape.layers)]
        self.last = layers.norm()
        self.head = layers.kept(torch.nn.Linear(shape.hidden, shape.vocabulary, bias=False))
        self.modules = [*layers.modules, *(module for block in self.blocks for module in block.modules)]

    def parameters(self) -> list[Any]:
        """Give everything that trains."""
        return [parameter for module in self.modules for parameter in module.parameters()]

    def __call__(self, tokens: Any, caches: list[Cache] | None = None, at: int = 0, *, last_only: bool = False) -> Any:
        x = self.tokens(tokens)
        if self.places is not None:
            x = x + self.places.weight[at : at + tokens.shape[1]]
        for number, block in enumerate(self.blocks):
            x = block(x, caches[number] if caches else None, at)
        return self.head(self.last(x[:, -1:] if last_only else x))

    def caches(self, sequences: int, room: int) -> list[Cache]:
        """Give empty caches with room for so many tokens of every sequence."""
        size = (sequences, self.shape.key_values, room, self.shape.head)
        kind = {"device": self.device, "dtype": self.dtype}
        return [Cache(self.torch.zeros(size, **kind), self.torch.zeros(size, **kind)) for _ in self.blocks]

    def loss(self, tokens: Any, wanted: Any) -> Any:
        """Give the mean cross-entropy of every token."""
        logits = self(tokens)
        return self.torch.nn.functional.cross_entropy(logits.view(-1, logits.shape[-1]).float(), wanted.view(-1))
