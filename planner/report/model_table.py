"""The sheet of a model as text for a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from planner.report.escape import for_terminal
from planner.report.model_list import count_text
from planner.report.model_sheet import CACHE_BYTES, ModelSheet
from planner.units.printing import scaled, significant
from planner.workload.architecture import Architecture, Layer, Stack
from planner.workload.cores import AttentionCore
from planner.workload.flops import Masking, Recompute

_WIDTH = 80
_LABEL = 24


def render(sheet: ModelSheet) -> str:
    """Give the text of a sheet."""
    return "\n".join(line.rstrip() for line in _lines(sheet)) + "\n"


def _lines(sheet: ModelSheet) -> Iterator[str]:
    model = sheet.model
    about = ", ".join(filter(None, [model.name, model.family, model.released]))
    yield from textwrap.wrap(for_terminal(f"{model.id}: {about}"), _WIDTH)
    for text in (model.unpublished, model.unsupported and f"not computed: {model.unsupported}"):
        if text:
            yield from _wrapped(text)
    if sheet.architecture:
        yield ""
        yield from _shape(sheet.architecture)
        yield ""
        yield from _parameters(sheet, sheet.architecture)
        yield ""
        yield from _flops(sheet)
        yield from _cache(sheet)
    yield from _publication(sheet)
    yield from _sources(sheet)


def _row(label: str, text: str) -> Iterator[str]:
    first, *rest = textwrap.wrap(for_terminal(text), _WIDTH - _LABEL - 2) or [""]
    yield f"  {label:<{_LABEL}}{first}"
    for line in rest:
        yield " " * (_LABEL + 2) + line


def _wrapped(text: str) -> Iterator[str]:
    yield from textwrap.wrap(for_terminal(text), _WIDTH, initial_indent="  ", subsequent_indent="  ")


def _shape(architecture: Architecture) -> Iterator[str]:
    yield "Shape"
    for stack in architecture.stacks:
        label = stack.role if len(architecture.stacks) > 1 else "layers"
        yield from _row(label, _layers(stack))
        yield from _row("  hidden size", f"{stack.hidden:,}")
        if stack.tokens_per_sample:
            yield from _row("  tokens per sample", f"{stack.tokens_per_sample:,}")
        for name, text in _parts_of(stack):
            yield from _row(f"  {name}", text)
    if architecture.vocabulary:
        tied = "one matrix for embedding and head" if architecture.tied else "embedding and head apart"
        has_head = any(p.name == "vocabulary" for p in architecture.head)
        yield from _row("vocabulary", f"{architecture.vocabulary:,}, {tied if has_head else 'no head onto it'}")
    if architecture.max_sequence:
        yield from _row("longest sequence", f"{architecture.max_sequence:,} tokens")
    if architecture.multi_token:
        layers = architecture.multi_token.layers
        yield from _row("further tokens", f"{layers} more layer{'s' if layers > 1 else ''}, counted in training alone")


def _layers(stack: Stack) -> str:
    if len(stack.kinds) == 1:
        return f"{stack.layers}, {stack.kinds[0].name}" + (", one set of weights" if stack.shared_layers else "")
    kinds = zip(stack.kinds, stack.counts, strict=True)
    return f"{stack.layers}: " + ", ".join(f"{count} {kind.name}" for kind, count in kinds)


def _parts_of(stack: Stack) -> list[tuple[str, str]]:
    """Give the different attentions, recurrences and feed-forward parts of a stack, each once."""
    found: dict[tuple[str, str], None] = {}
    for kind in stack.kinds:
        for core in kind.cores:
            found["cross-attention" if core.cross else "attention", _attention(core)] = None
        if kind.scan:
            scan = kind.scan
            text = f"{scan.kind.value}, {scan.heads} heads of {scan.head_dim}, state {scan.state_dim}"
            found["recurrence", text] = None
        if kind.experts:
            text = f"{kind.experts.count} of width {kind.experts.width:,}, {kind.experts.top_k} per token"
            found["experts", text] = None
        if kind.feed_forward:
            gate = "gated" if kind.feed_forward.gated else "no gate"
            name = "shared experts" if _is_shared(kind) else "feed-forward"
            found[name, f"{kind.feed_forward.width:,}, {gate}, {kind.feed_forward.activation}"] = None
    return list(found)


def _is_shared(layer: Layer) -> bool:
    return any(p.name.startswith("shared-") for p in layer.projections)


def _attention(core: AttentionCore) -> str:
    sizes = f"{core.key_dim}" if core.key_dim == core.value_dim else f"{core.key_dim}/{core.value_dim}"
    text = f"{core.heads} heads of {sizes}"
    if core.latent_rank:
        text += f", cached latent {core.latent_rank}"
    elif core.kv_heads != core.heads:
        text += f", {core.kv_heads} key-value head" + ("s" if core.kv_heads > 1 else "")
    if core.window:
        text += f", {'chunks' if core.chunked else 'window'} of {core.window:,}"
    if core.top_k:
        text += f", the best {core.top_k:,} tokens of {core.index_heads} index heads"
    return text if core.causal or core.cross else text + ", both ways"


def _parameters(sheet: ModelSheet, architecture: Architecture) -> Iterator[str]:
    yield f"{'Parameters':<{_LABEL + 2}}{'elements':>22}{'share':>9}"
    total = architecture.parameters
    for share in sheet.parts:
        yield f"  {share.part:<{_LABEL}}{share.parameters:>22,}{share.parameters / total:>9.1%}"
    yield f"  {'total':<{_LABEL}}{total:>22,}{_against(total, sheet.model.parameters)}"
    if architecture.active_parameters != total:
        active = architecture.active_parameters
        yield f"  {'met by one token':<{_LABEL}}{active:>22,}{_against(active, sheet.model.active_parameters)}"


def _against(computed: int, published: float | None) -> str:
    if published is None:
        return ""
    if computed == published:
        return "  as published"
    return f"  published {count_text(published)} ({computed / published - 1:+.2%})"


_PASSES = (
    ("forward, full attention", Masking.FULL),
    ("forward, causal attention", Masking.VISIBLE),
)


def _flops(sheet: ModelSheet) -> Iterator[str]:
    samples, tokens = sheet.samples, sheet.tokens
    what = f"{samples.count} x {tokens // samples.count:,} tokens"
    if samples.source_length:
        what += f" from {samples.source_length:,}"
    yield f"{'FLOPs of ' + what:<{_LABEL + 18}}{'in all':>16}{'per token':>20}"
    rows: list[tuple[str, int]] = []
    for label, masking in _PASSES:
        rows.append((label, sheet.forward[masking].total))
    if sheet.forward[Masking.VISIBLE].logits:
        rows.append(("  the same without logits", sheet.forward[Masking.VISIBLE].without_logits))
    rows.append(("training, model FLOPs, full", sheet.training[Masking.FULL].model))
    visible = sheet.training[Masking.VISIBLE]
    rows.append(("training, model FLOPs, causal", visible.model))
    rows.append(("  hardware, selective recompute", visible.hardware(Recompute.SELECTIVE)))
    rows.append(("  hardware, full recompute", visible.hardware(Recompute.FULL)))
    for label, flops in rows:
        yield f"  {label:<{_LABEL + 16}}{_flop(flops):>16}{_flop(flops / tokens):>20}"
    yield f"  {'6 N, tables and attention left out':<{_LABEL + 16}}{'':>16}{_flop(sheet.six_n):>20}"


def _flop(flops: float) -> str:
    return scaled(flops, "FLOP", digits=4)


def _cache(sheet: ModelSheet) -> Iterator[str]:
    cache = sheet.cache
    if cache is None or not (cache.growing_per_token or cache.windowed_per_token or cache.states):
        return
    yield ""
    yield "Cache of one sequence, in 16 bits"
    if cache.growing_per_token:
        yield from _row("keys and values", f"{_bytes(cache.growing_per_token)} per token")
    if cache.windowed_per_token:
        yield from _row(
            "of sliding layers", f"{_bytes(cache.windowed_per_token)} per token, at most {cache.window:,} tokens"
        )
    if cache.cross_per_token:
        yield from _row("of the encoder", f"{_bytes(cache.cross_per_token)} per token of its input")
    if cache.states:
        yield from _row("recurrent states", f"{_bytes(cache.states)}, whatever the length")


def _bytes(elements: int) -> str:
    return f"{significant(elements * CACHE_BYTES / 1024, 4)} KiB"


def _publication(sheet: ModelSheet) -> Iterator[str]:
    model = sheet.model
    rows: list[tuple[str, str]] = []
    if model.parameters is not None and sheet.architecture is None:
        rows.append(("parameters", f"{int(model.parameters):,}"))
    if model.forward_flops_per_sample:
        rows.append(("forward, one sample", scaled(model.forward_flops_per_sample, "FLOP", digits=4)))
    run = model.training
    if run:
        if run.tokens:
            rows.append(("trained on", scaled(run.tokens, "tokens", digits=4)))
        if run.dataset_tokens:
            rows.append(("corpus", scaled(run.dataset_tokens, "tokens", digits=4)))
        if run.accelerators or run.accelerator:
            count = f"{run.accelerators:,} " if run.accelerators else ""
            days = f", {significant(run.days, 4)} days" if run.days else ""
            rows.append(("machines", f"{count}{run.accelerator}{days}"))
        if run.accelerator_hours:
            rows.append(("accelerator-hours", f"{run.accelerator_hours:,.0f}"))
        if run.flops:
            rows.append(("FLOPs as published", scaled(run.flops, "FLOP", digits=4)))
        if run.note:
            rows.append(("note", run.note))
    if rows:
        yield ""
        yield "As published"
        for label, text in rows:
            yield from _row(label, text)
    notes = [note for note in (*sheet.notes, model.notes, *model.conflicts) if note]
    if notes:
        yield ""
        yield "Notes"
        for note in notes:
            yield from _wrapped(note)


def _sources(sheet: ModelSheet) -> Iterator[str]:
    if sheet.sources:
        yield ""
        yield "Sources"
        paths: dict[str, list[str]] = {}
        for source in sheet.sources:
            said = f"{source.title} ({source.standing.value})"
            paths.setdefault(said, []).append("all else" if source.path == "default" else source.path)
        for title, covered in paths.items():
            yield from _hanging(f"{', '.join(covered)}: {title}")
    if sheet.model.estimated:
        yield from _hanging("our estimates: " + ", ".join(sheet.model.estimated))


def _hanging(text: str) -> list[str]:
    return textwrap.wrap(for_terminal(text), _WIDTH, initial_indent="  ", subsequent_indent="    ")
