"""Small models of torch.nn and scaled_dot_product_attention, and the bytes that torch saves of each.

Every model is written as one writes it by hand. Nothing here knows the planner.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional as F  # noqa: N812 - as every torch program calls it
from torch.nn.attention import SDPBackend, sdpa_kernel


def saved_bytes(model: nn.Module, loss: Callable[[], Tensor]) -> int:
    """Count the bytes of all storages that autograd saves for a loss, each once, parameters left out."""
    parameters = {p.untyped_storage()._cdata for p in model.parameters()}
    found: dict[int, tuple[int, Tensor]] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in parameters:
            found[storage._cdata] = (storage.nbytes(), tensor)  # the tensor keeps the storage's number in use
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss()
    return sum(size for size, _ in found.values())


@dataclass(frozen=True)
class Sizes:
    """What the models below share."""

    hidden: int = 128
    heads: int = 4
    kv_heads: int = 4
    head_dim: int = 32
    width: int = 384
    layers: int = 2
    vocabulary: int = 320
    length: int = 64
    sequences: int = 2
    source: int = 48
    dropout: float = 0.0


def language_loss(logits: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def turned(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """Rotary positions on (batch, heads, length, size)."""
    first, second = x.chunk(2, dim=-1)
    return x * cosines + torch.cat([-second, first], dim=-1) * sines


class Tables(nn.Module):
    """Sines and cosines, made once for the whole model."""

    def __init__(self, length: int, size: int) -> None:
        super().__init__()
        frequencies = 10_000.0 ** (-torch.arange(0, size, 2) / size)
        angles = torch.outer(torch.arange(length), frequencies).repeat(1, 2)
        self.register_buffer("cosines", angles.cos())
        self.register_buffer("sines", angles.sin())


# GPT-2: one product for queries, keys and values, LayerNorm, GELU, learned positions, tied head.


class GptAttention(nn.Module):
    def __init__(self, s: Sizes) -> None:
        super().__init__()
        self.s = s
        self.attention = nn.Linear(s.hidden, 3 * s.hidden)
        self.out = nn.Linear(s.hidden, s.hidden)

    def forward(self, x: Tensor) -> Tensor:
        b, n, h = x.shape
        q, k, v = (t.view(b, n, self.s.heads, -1).transpose(1, 2) for t in self.attention(x).split(h, dim=2))
        dropped = self.s.dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=dropped)
        return self.out(y.transpose(1, 2).reshape(b, n, h))


class GptBlock(nn.Module):
    def __init__(self, s: Sizes, activation: nn.Module) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = nn.LayerNorm(s.hidden), nn.LayerNorm(s.hidden)
        self.attention = GptAttention(s)
        self.feed_forward = nn.Sequential(nn.Linear(s.hidden, s.width), activation, nn.Linear(s.width, s.hidden))
        self.dropout = nn.Dropout(s.dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self.attention(self.norm_1(x)))
        return x + self.dropout(self.feed_forward(self.norm_2(x)))


class SquaredRectifier(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x).square()


class Gpt(nn.Module):
    def __init__(self, s: Sizes, activation: type[nn.Module] = nn.GELU) -> None:
        super().__init__()
        self.tokens = nn.Embedding(s.vocabulary, s.hidden)
        self.positions = nn.Parameter(torch.zeros(s.length, s.hidden))
        self.dropout = nn.Dropout(s.dropout)
        self.blocks = nn.Sequential(*(GptBlock(s, activation()) for _ in range(s.layers)))
        self.norm = nn.LayerNorm(s.hidden)
        self.head = nn.Linear(s.hidden, s.vocabulary, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, tokens: Tensor, targets: Tensor) -> Tensor:
        x = self.dropout(self.tokens(tokens) + self.positions)
        return language_loss(self.head(self.norm(self.blocks(x))), targets)


# Llama: RMSNorm, rotary positions, grouped key-value heads, SwiGLU.


class LlamaAttention(nn.Module):
    def __init__(self, s: Sizes, *, normed: bool = False, window: int = 0, repeated: bool = False) -> None:
        super().__init__()
        self.s, self.window, self.repeated = s, window, repeated
        self.q = nn.Linear(s.hidden, s.heads * s.head_dim, bias=False)
        self.k = nn.Linear(s.hidden, s.kv_heads * s.head_dim, bias=False)
        self.v = nn.Linear(s.hidden, s.kv_heads * s.head_dim, bias=False)
        self.out = nn.Linear(s.heads * s.head_dim, s.hidden, bias=False)
        self.q_norm = nn.RMSNorm(s.head_dim) if normed else nn.Identity()
        self.k_norm = nn.RMSNorm(s.head_dim) if normed else nn.Identity()

    def forward(self, x: Tensor, tables: Tables) -> Tensor:
        b, n, _ = x.shape
        q, k, v = (p(x).view(b, n, -1, self.s.head_dim) for p in (self.q, self.k, self.v))
        q, k, v = (t.transpose(1, 2) for t in (self.q_norm(q), self.k_norm(k), v))
        q, k = turned(q, tables.cosines, tables.sines), turned(k, tables.cosines, tables.sines)
        shared = self.s.heads // self.s.kv_heads
        if self.repeated:
            k, v = k.repeat_interleave(shared, dim=1), v.repeat_interleave(shared, dim=1)
        grouped = shared > 1 and not self.repeated
        if self.window:
            place = torch.arange(n, device=x.device)
            distance = place[:, None] - place[None, :]
            mask = (distance >= 0) & (distance < self.window)
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=grouped)
        else:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=grouped)
        return self.out(y.transpose(1, 2).reshape(b, n, -1))


class GatedPart(nn.Module):
    def __init__(self, hidden: int, width: int, activation: Callable[[Tensor], Tensor] = F.silu) -> None:
        super().__init__()
        self.gate, self.up = nn.Linear(hidden, width, bias=False), nn.Linear(hidden, width, bias=False)
        self.down = nn.Linear(width, hidden, bias=False)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        return self.down(self.activation(self.gate(x)) * self.up(x))


class OwnNorm(nn.Module):
    """RMSNorm as Llama's first code has it: 32 bits inside, and cast back before it is scaled."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(hidden))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        return (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-6)).type_as(x) * self.weight


class LlamaBlock(nn.Module):
    def __init__(self, s: Sizes, part: nn.Module, norm: type[nn.Module] = nn.RMSNorm, **attention: bool | int) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = norm(s.hidden), norm(s.hidden)
        self.attention = LlamaAttention(s, **attention)
        self.part = part

    def forward(self, x: Tensor, tables: Tables) -> Tensor:
        x = x + self.attention(self.norm_1(x), tables)
        return x + self.part(self.norm_2(x))


class GemmaBlock(nn.Module):
    """Norms before and after both parts, norms of queries and keys, a gated GELU."""

    def __init__(self, s: Sizes, window: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.RMSNorm(s.hidden) for _ in range(4))
        self.attention = LlamaAttention(s, normed=True, window=window)
        self.part = GatedPart(s.hidden, s.width, lambda x: F.gelu(x, approximate="tanh"))

    def forward(self, x: Tensor, tables: Tables) -> Tensor:
        x = x + self.norms[1](self.attention(self.norms[0](x), tables))
        return x + self.norms[3](self.part(self.norms[2](x)))


class ParallelBlock(nn.Module):
    """GPT-J: attention and feed-forward part read one norm's result."""

    def __init__(self, s: Sizes) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(s.hidden)
        self.attention = LlamaAttention(s)
        self.part = nn.Sequential(nn.Linear(s.hidden, s.width), nn.GELU(), nn.Linear(s.width, s.hidden))

    def forward(self, x: Tensor, tables: Tables) -> Tensor:
        y = self.norm(x)
        return x + self.attention(y, tables) + self.part(y)


class TwoNormParallelBlock(nn.Module):
    """GPT-NeoX: both parts read a norm of their own, one product makes queries, keys and values."""

    def __init__(self, s: Sizes) -> None:
        super().__init__()
        self.s = s
        self.norm_1, self.norm_2 = nn.LayerNorm(s.hidden), nn.LayerNorm(s.hidden)
        self.qkv, self.out = nn.Linear(s.hidden, 3 * s.hidden), nn.Linear(s.hidden, s.hidden)
        self.part = nn.Sequential(nn.Linear(s.hidden, s.width), nn.GELU(), nn.Linear(s.width, s.hidden))

    def forward(self, x: Tensor, tables: Tables) -> Tensor:
        b, n, h = x.shape
        cut = self.qkv(self.norm_1(x)).view(b, n, self.s.heads, 3 * self.s.head_dim).transpose(1, 2)
        q, k, v = cut.chunk(3, dim=-1)
        q, k = turned(q, tables.cosines, tables.sines), turned(k, tables.cosines, tables.sines)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return x + self.out(y.transpose(1, 2).reshape(b, n, h)) + self.part(self.norm_2(x))


class SortedExperts(nn.Module):
    """A mixture of experts under an even load: each token is copied to its experts, and weighed after them."""

    def __init__(self, s: Sizes, count: int, top_k: int, width: int, shared: int = 0) -> None:
        super().__init__()
        self.count, self.top_k = count, top_k
        self.router = nn.Linear(s.hidden, count, bias=False)
        self.gate = nn.Parameter(torch.zeros(count, s.hidden, width))
        self.up = nn.Parameter(torch.zeros(count, s.hidden, width))
        self.down = nn.Parameter(torch.zeros(count, width, s.hidden))
        self.shared = GatedPart(s.hidden, shared) if shared else None

    def forward(self, x: Tensor) -> Tensor:
        flat = x.flatten(0, 1)
        probabilities = self.router(flat).softmax(dim=-1, dtype=torch.float32)
        weights, chosen = probabilities.topk(self.top_k, dim=-1)
        order = chosen.flatten().argsort()
        token = order // self.top_k
        copies = flat.index_select(0, token).view(self.count, -1, flat.shape[1])
        inner = F.silu(torch.bmm(copies, self.gate)) * torch.bmm(copies, self.up)
        results = torch.bmm(inner, self.down).flatten(0, 1)
        weighed = results * weights.flatten().index_select(0, order).unsqueeze(1).to(x.dtype)
        y = torch.zeros_like(flat).index_add(0, token, weighed).view_as(x)
        return y if self.shared is None else y + self.shared(x)


class EveryExpert(nn.Module):
    """A mixture of experts in which each expert computes every token."""

    def __init__(self, s: Sizes, count: int, top_k: int, width: int) -> None:
        super().__init__()
        self.top_k = top_k
        self.router = nn.Linear(s.hidden, count, bias=False)
        self.experts = nn.ModuleList(GatedPart(s.hidden, width) for _ in range(count))

    def forward(self, x: Tensor) -> Tensor:
        probabilities = self.router(x).softmax(dim=-1, dtype=torch.float32)
        kept, chosen = probabilities.topk(self.top_k, dim=-1)
        weights = torch.zeros_like(probabilities).scatter(-1, chosen, kept).to(x.dtype)
        return sum(weights[..., i : i + 1] * expert(x) for i, expert in enumerate(self.experts))


class LatentAttention(nn.Module):
    """DeepSeek's latent attention: values as wide as keys without positions."""

    def __init__(self, s: Sizes, query_rank: int, kv_rank: int, turned_dim: int) -> None:
        super().__init__()
        self.s, self.kv_rank, self.turned = s, kv_rank, turned_dim
        self.q_down, self.q_norm = nn.Linear(s.hidden, query_rank, bias=False), nn.RMSNorm(query_rank)
        self.q_up = nn.Linear(query_rank, s.heads * (s.head_dim + turned_dim), bias=False)
        self.kv_down, self.kv_norm = nn.Linear(s.hidden, kv_rank + turned_dim, bias=False), nn.RMSNorm(kv_rank)
        self.kv_up = nn.Linear(kv_rank, s.heads * 2 * s.head_dim, bias=False)
        self.out = nn.Linear(s.heads * s.head_dim, s.hidden, bias=False)

    def forward(self, x: Tensor, tables: Tables) -> Tensor:
        b, n, _ = x.shape
        heads, plain = self.s.heads, self.s.head_dim
        q = self.q_up(self.q_norm(self.q_down(x))).view(b, n, heads, -1).transpose(1, 2)
        q_plain, q_turned = q.split([plain, self.turned], dim=-1)
        latent, k_turned = self.kv_down(x).split([self.kv_rank, self.turned], dim=-1)
        k_plain, v = self.kv_up(self.kv_norm(latent)).view(b, n, heads, -1).transpose(1, 2).chunk(2, dim=-1)
        cosines, sines = tables.cosines[:, : self.turned], tables.sines[:, : self.turned]
        k_turned = turned(k_turned[:, None], cosines, sines).expand(b, heads, n, self.turned)
        q = torch.cat([q_plain, turned(q_turned, cosines, sines)], dim=-1)
        k = torch.cat([k_plain, k_turned], dim=-1)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(b, n, -1))


class Decoder(nn.Module):
    """Blocks with rotary positions between an embedding and a head."""

    def __init__(
        self, s: Sizes, blocks: list[nn.Module], norm: nn.Module, *, tied: bool = False, wide: bool = False
    ) -> None:
        super().__init__()
        self.wide = wide
        self.tables = Tables(s.length, s.head_dim)
        self.tokens = nn.Embedding(s.vocabulary, s.hidden)
        self.blocks, self.norm = nn.ModuleList(blocks), norm
        self.head = nn.Linear(s.hidden, s.vocabulary, bias=False)
        if tied:
            self.head.weight = self.tokens.weight

    def forward(self, tokens: Tensor, targets: Tensor) -> Tensor:
        x = self.tokens(tokens)
        for block in self.blocks:
            x = block(x, self.tables)
        logits = self.head(self.norm(x))
        return language_loss(logits.float() if self.wide else logits, targets)


class Encoder(nn.Module):
    """BERT's encoder out of torch's own layers: norms behind both parts, a norm of the embedding."""

    def __init__(self, s: Sizes, activation: str, *, norm_first: bool = False) -> None:
        super().__init__()
        self.tokens = nn.Embedding(s.vocabulary, s.hidden)
        self.positions = nn.Parameter(torch.zeros(s.length, s.hidden))
        self.first = nn.Identity() if norm_first else nn.LayerNorm(s.hidden)
        self.dropout = nn.Dropout(s.dropout)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                s.hidden, s.heads, s.width, s.dropout, activation, batch_first=True, norm_first=norm_first
            )
            for _ in range(s.layers)
        )
        self.last = nn.LayerNorm(s.hidden) if norm_first else nn.Identity()
        self.head = nn.Linear(s.hidden, s.vocabulary)

    def forward(self, tokens: Tensor, targets: Tensor) -> Tensor:
        x = self.dropout(self.first(self.tokens(tokens) + self.positions))
        for layer in self.layers:
            x = layer(x)
        return language_loss(self.head(self.last(x)), targets)


class CrossBlock(nn.Module):
    """A decoder layer that also attends to an encoder's result."""

    def __init__(self, s: Sizes) -> None:
        super().__init__()
        self.s = s
        self.norms = nn.ModuleList(nn.LayerNorm(s.hidden) for _ in range(3))
        self.attention = GptAttention(s)
        self.q, self.k, self.v, self.out = (nn.Linear(s.hidden, s.hidden) for _ in range(4))
        self.part = nn.Sequential(nn.Linear(s.hidden, s.width), nn.ReLU(), nn.Linear(s.width, s.hidden))

    def forward(self, x: Tensor, source: Tensor) -> Tensor:
        x = x + self.attention(self.norms[0](x))
        y = self.norms[1](x)
        b, n, h = x.shape
        q, k, v = (
            p(t).view(b, t.shape[1], self.s.heads, -1).transpose(1, 2)
            for p, t in ((self.q, y), (self.k, source), (self.v, source))
        )
        crossed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, h)
        x = x + self.out(crossed)
        return x + self.part(self.norms[2](x))


class FullBlock(nn.Module):
    """An encoder's layer: as GPT-2's, without a mask and with a rectifier."""

    def __init__(self, s: Sizes) -> None:
        super().__init__()
        self.s = s
        self.norm_1, self.norm_2 = nn.LayerNorm(s.hidden), nn.LayerNorm(s.hidden)
        self.q, self.k, self.v, self.out = (nn.Linear(s.hidden, s.hidden) for _ in range(4))
        self.part = nn.Sequential(nn.Linear(s.hidden, s.width), nn.ReLU(), nn.Linear(s.width, s.hidden))

    def forward(self, x: Tensor) -> Tensor:
        b, n, h = x.shape
        y = self.norm_1(x)
        q, k, v = (p(y).view(b, n, self.s.heads, -1).transpose(1, 2) for p in (self.q, self.k, self.v))
        x = x + self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, h))
        return x + self.part(self.norm_2(x))


class EncoderDecoder(nn.Module):
    def __init__(self, s: Sizes) -> None:
        super().__init__()
        self.s = s
        self.tokens = nn.Embedding(s.vocabulary, s.hidden)
        self.encoder = nn.Sequential(*(FullBlock(s) for _ in range(s.layers)))
        self.decoder = nn.ModuleList(CrossBlock(s) for _ in range(s.layers))
        self.source_norm, self.norm = nn.LayerNorm(s.hidden), nn.LayerNorm(s.hidden)
        self.head = nn.Linear(s.hidden, s.vocabulary, bias=False)

    def forward(self, tokens: Tensor, targets: Tensor) -> Tensor:
        asked = torch.zeros(tokens.shape[0], self.s.source, dtype=torch.long, device=tokens.device)
        source = self.source_norm(self.encoder(self.tokens(asked)))
        x = self.tokens(tokens)
        for layer in self.decoder:
            x = layer(x, source)
        return language_loss(self.head(self.norm(x)), targets)


class Vision(nn.Module):
    """ViT without its class token: patches, layers without a mask, a classifier of the mean."""

    def __init__(self, s: Sizes, side: int, patch: int, classes: int) -> None:
        super().__init__()
        self.side = side
        self.patches = nn.Conv2d(3, s.hidden, patch, stride=patch)
        self.positions = nn.Parameter(torch.zeros((side // patch) ** 2, s.hidden))
        self.blocks = nn.Sequential(*(GeluBlock(s) for _ in range(s.layers)))
        self.norm, self.head = nn.LayerNorm(s.hidden), nn.Linear(s.hidden, classes)

    def forward(self, tokens: Tensor, targets: Tensor) -> Tensor:
        kind = self.positions.dtype
        pixels = torch.zeros(tokens.shape[0], 3, self.side, self.side, dtype=kind, device=tokens.device)
        x = self.patches(pixels).flatten(2).transpose(1, 2) + self.positions
        return self.head(self.norm(self.blocks(x)).mean(dim=1)).sum()


class GeluBlock(FullBlock):
    def __init__(self, s: Sizes) -> None:
        super().__init__(s)
        self.part = nn.Sequential(nn.Linear(s.hidden, s.width), nn.GELU(), nn.Linear(s.width, s.hidden))


def llama(s: Sizes, *, wide: bool = False, norm: type[nn.Module] = nn.RMSNorm, **attention: bool | int) -> nn.Module:
    blocks = [LlamaBlock(s, GatedPart(s.hidden, s.width), norm, **attention) for _ in range(s.layers)]
    return Decoder(s, blocks, norm(s.hidden), wide=wide)


def gemma(s: Sizes) -> nn.Module:
    return Decoder(s, [GemmaBlock(s, 16), GemmaBlock(s, 0)], nn.RMSNorm(s.hidden), tied=True)


def parallel(s: Sizes, block: type[nn.Module]) -> nn.Module:
    return Decoder(s, [block(s) for _ in range(s.layers)], nn.LayerNorm(s.hidden))


def experts(s: Sizes, part: Callable[[], nn.Module]) -> nn.Module:
    return Decoder(s, [LlamaBlock(s, part()) for _ in range(s.layers)], nn.RMSNorm(s.hidden))


def latent(s: Sizes) -> nn.Module:
    blocks = [LlamaBlock(s, GatedPart(s.hidden, s.width)) for _ in range(s.layers)]
    for block in blocks:
        block.attention = LatentAttention(s, query_rank=48, kv_rank=40, turned_dim=16)
    return Decoder(s, blocks, nn.RMSNorm(s.hidden))


MODELS: dict[str, Callable[[Sizes], nn.Module]] = {
    "gpt2": Gpt,
    "gpt2, longer": Gpt,
    "gpt2, dropout": Gpt,
    "gpt2, plain attention": Gpt,
    "llama": llama,
    "llama, four layers": llama,
    "llama, repeated heads": lambda s: llama(s, repeated=True),
    "llama, plain attention": llama,
    "llama, own norm": lambda s: llama(s, norm=OwnNorm),
    "gemma": gemma,
    "gpt-j": lambda s: parallel(s, ParallelBlock),
    "gpt-neox": lambda s: parallel(s, TwoNormParallelBlock),
    "experts": lambda s: experts(s, lambda: SortedExperts(s, 8, 2, 96)),
    "experts, shared too": lambda s: experts(s, lambda: SortedExperts(s, 8, 2, 96, shared=64)),
    "experts, every one": lambda s: experts(s, lambda: EveryExpert(s, 8, 2, 96)),
    "latent attention": latent,
    "encoder": lambda s: Encoder(s, "gelu"),
    "encoder, norms first": lambda s: Encoder(s, "gelu", norm_first=True),
    "encoder, dropout": lambda s: Encoder(s, "relu"),
    "encoder-decoder": EncoderDecoder,
    "vision": lambda s: Vision(s, side=64, patch=8, classes=10),
    "wide logits": lambda s: llama(s, wide=True),
    "squared rectifier": lambda s: Gpt(s, SquaredRectifier),
}


def measure(build: Callable[[Sizes], nn.Module], sizes: Sizes, kind: str, *, plain_attention: bool = False) -> int:
    """Count what a model saves in a format, without memory for any of it."""
    usual = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, kind))
    try:
        with FakeTensorMode(), sdpa_kernel(SDPBackend.MATH) if plain_attention else contextlib.nullcontext():
            model = build(sizes).train()
            tokens = torch.zeros(sizes.sequences, sizes.length, dtype=torch.long)
            return saved_bytes(model, lambda: model(tokens, tokens.clone()))
    finally:
        torch.set_default_dtype(usual)
