"""docs/accuracy.md: how far off the planner is, beside rules of thumb and other tools; in fit and on rows left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from planner.accuracy.other_tools import OtherTools
from planner.accuracy.row import Row
from planner.accuracy.score import Score, by, score
from planner.catalog.profile import Profile
from planner.report.serving_errors import errors_table

_STEP = ("step_time_s", "tokens_per_s_per_accelerator")
_RULES = {
    "constant": "40 % of the peak in model FLOPs",
    "median": "median MFU of the accelerator and precision",
    "bubble": "50 % of the peak and the pipeline's bubble",
}
_SMALL_RUNS = "training_megatron_deepspeed_a100.csv"


@dataclass(frozen=True)
class Views:
    """The same measured rows, predicted by the fit on all and by fits that left them out.

    Parameters
    ----------
    fitted : all kinds of rows, by the profiles as they stand.
    source, accelerator : training rows alone, each from the fit without its source or accelerator.
    """

    fitted: Sequence[Row]
    source: Sequence[Row]
    accelerator: Sequence[Row]

    @property
    def training(self) -> dict[str, list[Row]]:
        """Times and rates of training of quality A and B, by view."""
        every = {"in fit": self.fitted, "source left out": self.source, "accelerator left out": self.accelerator}
        return {name: [row for row in rows if _counts(row)] for name, rows in every.items()}


def _counts(row: Row) -> bool:
    return row.kind == "training" and row.metric in _STEP and row.quality in ("A", "B")


def listed(rows: Iterable[Row]) -> list[Row]:
    """Give the rows of the list of published runs, without those of tables that stand beside it."""
    return [row for row in rows if ":" not in row.id]


def as_markdown(views: Views, *, profile: Profile, serving: Profile, tools: OtherTools) -> str:
    """Give the page, from the rows and the profiles of training and of serving."""
    parts = [
        _HEAD,
        _headline(views),
        _classes(views),
        _tables(views),
        _small_runs(views),
        _others(views, tools),
        _rest(views),
        _every_kind(views),
        _SERVING + "\n\n" + errors_table(serving),
        _ranges(profile),
        _parameters(profile),
        _FORMS,
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _headline(views: Views) -> str:
    lines = _head("published training runs (list)", "rows", "macro", "median", "p90", "bias", "inside 80 % range")
    for name, rows in views.training.items():
        lines.append(_line(f"**planner, {name}**", score(listed(rows))))
    for name, words in _RULES.items():
        where = "source left out" if name == "median" else "in fit"
        told = score(listed(views.training[where]), baseline=name)
        lines.append(_line(f"{words}{', source left out' if name == 'median' else ''}", told, ranges=False))
    lines.append(
        _line(
            "median MFU of the accelerator and precision, with its own rows",
            score(listed(views.training["in fit"]), baseline="median"),
            ranges=False,
        )
    )
    refused = [row for row in listed(views.fitted) if _counts(row) and row.predicted is None]
    every = [row for row in listed(views.fitted) if _counts(row)]
    return "\n".join(lines) + f"\n\nOf {len(every)} such observations {len(refused)} are refused.\n\n" + _PICTURES


def _classes(views: Views) -> str:
    lines = ["### By class of run", "", *_head("class", "rows", *_three_views())]
    every = views.training
    for kind in sorted({row.slices["class"] for row in listed(every["in fit"]) if row.slices}):
        lines.append(_views_line(_CLASS_WORDS.get(kind, kind), every, lambda row, k=kind: _slice(row, "class") == k))
    return "\n".join(lines)


_CLASS_WORDS = {
    "dense": "dense models on NVIDIA GPUs",
    "experts": "mixtures of experts",
    "lora": "LoRA",
    "other": "dense models on TPU, Trainium, Gaudi, MI300",
}


def _tables(views: Views) -> str:
    lines = ["### By accelerator and by source", "", *_head("accelerator", "rows", *_three_views(), "median-MFU rule")]
    every = views.training
    for chip in sorted({row.accelerator for row in listed(every["in fit"]) if row.predicted}):
        lines.append(_views_line(chip, every, lambda row, c=chip: row.accelerator == c, rule="median"))
    lines += ["", *_head("source", "rows", *_three_views(), "median-MFU rule")]
    for source in sorted({row.source for row in listed(every["in fit"]) if row.predicted}):
        lines.append(_views_line(source, every, lambda row, s=source: row.source == s, rule="median"))
    return "\n".join(lines) + "\n\nThe rule of the last column has left out the source too."


def _small_runs(views: Views) -> str:
    lines = [
        "### Tables of small runs",
        "",
        f"`{_SMALL_RUNS}`: {_count(views, _SMALL_RUNS)} runs of Megatron-DeepSpeed on 1 to 512 A100, which the list "
        "above does not hold.",
        "",
        *_head("table", "rows", "median", "p90", "bias"),
    ]
    for name, rows in views.training.items():
        found = score([row for row in rows if row.id.startswith(_SMALL_RUNS)])
        if found:
            lines.append(f"| {name} | {found.rows} | {_p(found.median)} | {_p(found.p90)} | {_p(found.bias)} |")
    return "\n".join(lines)


def _count(views: Views, name: str) -> int:
    return sum(row.id.startswith(name) for row in views.fitted)


def _others(views: Views, tools: OtherTools) -> str:
    lines = [
        "### Beside other tools",
        "",
        "Errors as |predicted - measured| / measured of the step time, median / 90th percentile / largest, as measured "
        "by running each tool on the published runs; the planner's are on the runs of the same set that are among its "
        "measurements. Ours are told in fit and with the source left out; the other tools were not fitted on these "
        "runs, save where it is said.",
    ]
    for group in tools.sets:
        lines += ["", f"**{group.title}**", "", *_head("tool", "runs", "median", "p90", "largest")]
        for name, rows in views.training.items():
            if name == "accelerator left out":
                continue
            mine = [row for row in rows if row.predicted and group.holds(row.source, _accelerators(row))]
            errors = 100 * np.abs(np.expm1([_as_time(row) for row in mine]))
            told = [f"{np.median(errors):.1f}", f"{np.percentile(errors, 90):.1f}", f"{np.max(errors):.0f}"]
            lines.append(f"| **planner, {name}** | {len(mine)} | " + " | ".join(told) + " |")
        for tool in group.tools:
            told = ["-" if value is None else f"{value:g}" for value in (tool.median, tool.p90, tool.largest)]
            lines.append(f"| {tool.name} | {group.runs} | " + " | ".join(told) + " |")
    return "\n".join(lines) + "\n\n" + tools.note


def _accelerators(row: Row) -> int:
    return int(row.slices.get("accelerators", "0"))


def _as_time(row: Row) -> float:
    return -row.error if row.metric == "tokens_per_s_per_accelerator" else row.error


def _rest(views: Views) -> str:
    rows = listed(views.training["source left out"])
    rules = listed(views.training["source left out"])
    worse = []
    for chip, mine in by([row for row in rows if row.predicted], lambda row: row.accelerator).items():
        ours, rule = score(mine), score([r for r in rules if r.accelerator == chip], baseline="median")
        if ours and rule and ours.median > rule.median:
            worse.append(f"{chip} ({_p(ours.median)} against {_p(rule.median)})")
    told = "; ".join(worse) or "none"
    return f"## What is not reached\n\n{_NOT_REACHED}\n\nAccelerators where the median-MFU rule is nearer, both with \
the source left out: {told}."


def _every_kind(views: Views) -> str:
    lines = [
        "## Everything that is measured",
        "",
        "Why some of serving is far off: [serving](serving.md#6-how-far-off). The rule beside it reads weights and",
        "caches at half of the memory's bandwidth and multiplies at half of the peak; host, launches and waiting take",
        "no time.",
        "",
        *_head("kind and metric", "rows", "refused", "median", "p90", "macro", "the rule's median (p90)"),
    ]
    for name, rows in by(views.fitted, lambda row: f"{row.kind}: {row.metric}").items():
        found, refused = score(rows), sum(row.predicted is None for row in rows)
        figures = [_p(found.median), _p(found.p90), _p(found.macro)] if found else ["-", "-", "-"]
        rule = score(rows, baseline="half")
        figures.append(f"{_p(rule.median)} ({_p(rule.p90)})" if rule else "-")
        lines.append(f"| {name} | {found.rows if found else 0} | {refused} | " + " | ".join(figures) + " |")
    return "\n".join(lines)


def _ranges(profile: Profile) -> str:
    lines = [_RANGE_WORDS, "", *_head("basis and class", "from rows", "measured / predicted, low", "high")]
    for name, spread in profile.ranges.items():
        lines.append(f"| {name} | {spread.rows} | {spread.low:.2f} | {spread.high:.2f} |")
    return "\n".join(lines)


def _parameters(profile: Profile) -> str:
    lines = [
        "## What was fitted",
        "",
        f"{profile.fit.rows} runs; {profile.fit.method}. The file has what moves each parameter by family, chip, "
        "precision and framework.",
        "",
        *_head("parameter", "value", "believed without rows", "bounds", "meaning"),
    ]
    for name, parameter in profile.parameters.items():
        bounds = f"{parameter.low:g} to {parameter.high:g}"
        lines.append(f"| {name} | {parameter.value:.3g} | {parameter.prior:.3g} | {bounds} | {parameter.meaning} |")
    return "\n".join(lines)


def _head(*names: str) -> list[str]:
    return ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]


def _three_views() -> tuple[str, ...]:
    return ("in fit: median (p90)", "source left out", "accelerator left out")


def _line(name: str, found: Score | None, *, ranges: bool = True) -> str:
    if found is None:
        return f"| {name} | 0 | - | - | - | - | - |"
    inside = f"{100 * found.inside:.0f} %" if ranges else "-"
    figures = (_p(found.macro), _p(found.median), _p(found.p90), _p(found.bias), inside)
    return f"| {name} | {found.rows} | " + " | ".join(figures) + " |"


def _views_line(name: str, views: Mapping[str, Sequence[Row]], wanted, rule: str = "") -> str:  # type: ignore[no-untyped-def]
    cells, count = [], 0
    for rows in views.values():
        found = score([row for row in listed(rows) if row.predicted and wanted(row)])
        count = found.rows if found else count
        cells.append(f"{_p(found.median)} ({_p(found.p90)})" if found else "-")
    if rule:
        told = score([row for row in listed(views["source left out"]) if wanted(row)], baseline=rule)
        cells.append(f"{_p(told.median)} ({_p(told.p90)})" if told else "-")
    return f"| {name} | {count} | " + " | ".join(cells) + " |"


def _slice(row: Row, name: str) -> str:
    return row.slices.get(name, "")


def _p(value: float) -> str:
    return f"{100 * value:.1f} %"


_HEAD = """# How far off the planner is

Written by `planner accuracy --output markdown=docs/accuracy.md`, which takes a minute or two: every figure below is
computed from the measurements in `catalogs/measurements`, by the profiles in `catalogs/profiles`. Tests fail when a
figure of the fit is no longer true; `.ci/run` recomputes those on rows left out.

Errors are |ln(predicted / measured)| of one number per run. *Macro* is the mean over (source, accelerator) of the
medians, since a few sources hold most of the rows; *bias* is the mean of their signed medians, above zero where the
planner is too slow. *In fit* looks better than it is, so each figure stands beside the same rows predicted by fits that
saw nothing of their source, or of their accelerator (near-duplicates in other sources left out too). Repeats of one
configuration differ by 5 % in the median: below that, better would be noise.

## Training"""

_PICTURES = """![predicted against measured step time, source left out](accuracy-scatter.svg)

![error by source and accelerator, source left out](accuracy-errors.svg)"""

_NOT_REACHED = """What is aimed at, with the source left out: macro 12.5 %, median 9.5 %, p90 27 %; mixtures of
experts in the median 14 %, dense models on GPUs 8.5 %; the table of small runs 8.5 % and p90 20 %; with the accelerator
left out macro 12 %. The tables above say which of these hold. What causes the rest, as far as we know:

- Releases of Megatron-Bridge move mixtures of experts by up to a factor of 2 for one configuration, and two of them
  contradict each other on Qwen3-30B: no parameter that is shared between releases can follow both.
- A source that alone ran a framework generation (Composer, torchtitan, the 2025 recipes of DGX Cloud) takes what is
  particular to that generation with it when it is left out.
- NeMo's recipes of 2025 run on H100 15 % faster than what is left of Megatron-Core without them, on each model
  alike; Composer on A100 7 % faster than PyTorch's other users, InternEvo and Megatron-DeepSpeed a little slower.
- Narayanan et al. overlapped nothing of their tensor-parallel messages, which later releases of Megatron do; the share
  that all frameworks have in common lies between. Their largest run is told an eighth too slow: short runs on A100 come
  nearer to their kernels' rates than BigScience's and InternEvo's long ones, which the fit weighs together.
- Rowwise scaling of fp8 in torchtitan costs more than tensorwise scaling; rows tell both as fp8.
- BigScience's V100 runs vary by 40 % with the nodes that a run was given, as their authors say.
- Recipes of TPU v7x state neither degrees nor what is recomputed.
- Of Gaudi2's eleven rows nine are within 6 %, and two of Llama 3 8B a quarter too fast; its rule, which knows nothing
  but the chip's median, happens to lie on the nine.
- Hybrids of Mamba and experts in Megatron-Bridge are told 10 to 60 % too fast on every chip, most of all in 4 bits:
  nothing here measures how long their recurrences and their many small experts take.
- LoRA over 72 accelerators and more, with contexts divided by eight, is told a quarter too fast, and on L40S a third:
  a step knows no power limit of its chip.

Kernels with their chip left out are 12 % off at most in the median of each chip, but for Arc Pro B60 (13 %), and within
11 % in 8 bits with shapes left out, but for vLLM's by blocks (11.5 %): see [kernels](kernels.md).

In serving, with the model left out and with the accelerator left out, what is aimed at in the median is 13 % for a
token in the closed loop, 26 % for its first; 9 % for dense models and 12 % for experts, all requests at once; 12 % for
static batches and for Gaudi, AMD and TPU; 13 % for one sequence; 10 % for a token and 25 % for the first on Neuron;
11 % for power. The table of kinds of load below says which of these hold. What causes the rest, as far as we know:

- First tokens in the closed loop, accelerator left out (26.1 %): sources do not say whether theirs is a mean or a
  median, nor how the server was warmed up. Those of B200 are told a third too fast: SGLang's first requests there took
  4 to 10 s while kernels were compiled.
- First tokens of one sequence, accelerator left out (14.8 %): llama.cpp multiplies prompts on H100 at half of what its
  peak says, and models of 70B over four cards gain next to nothing from them.
- 80 % ranges of groups of one to three sources hold up to all of their rows: they lean on their like, as narrower ones
  would hold fewer of the next source's.
- First tokens of MLPerf's servers are told at the highest rate that keeps a limit, where queues are steepest: a few per
  cent of capacity are a factor of two.

What else is far off in serving, and why, is told group by group in [serving](serving.md#6-how-far-off)."""

_SERVING = """### Serving by kind of load, on rows left out

By fits that saw nothing of a row's model, of its accelerator, or of its source: the median, and in brackets macro and
the 90th percentile; last the shares inside their 80 % ranges, in the same order. `planner accuracy` prints the same of
the fit of all rows, and with `--leave-out` of each of the others."""

_RANGE_WORDS = """## Ranges

A step's 80 % range is the 10th to 90th percentile of measured over predicted on rows left out, by class of run, and by
what a prediction rests on: a chip with measured rows of its own (rows of a source left out), a relative's (rows of an
accelerator left out), or a data sheet alone (rows of a whole family left out). Rows that leave degrees, batch or
software open have it widened by a quarter, in the logarithm, which the percentiles allow for."""

_FORMS = """## Measurements of one's own

`planner accuracy FILE...` reads files in the forms of `catalogs/measurements`, recognised by their content:

- a YAML list of runs like `training.yaml`: `id`, `source: {key}`, `model` (its shape, or a name that the catalogs
  know), `seq_len`, `precision`, `global_batch_seqs` or `global_batch_tokens`, `micro_batch`, `parallelism: {tp, pp, cp,
  dp, ep, vpp, fsdp, zero_stage}`, `recompute`, `framework`, `accelerator`, `n_accelerators`, `accelerators_per_node`,
  `network`, and `measured: {step_time_s | tokens_per_s_per_accelerator, peak_memory_gb, node_power_kw}`;
- a CSV table with the columns of `training_megatron_deepspeed_a100.csv`; memory in GiB, as allocated.

What a row does not say is filled by the rules of its framework: degrees that are not stated are 1, or all of them are
searched where none is; data ranks are what is left; NVIDIA's dense recipes interleave by the largest divisor of a
stage's layers up to twelve; Megatron-DeepSpeed recomputes all layers, others what memory lacks; an unknown framework is
taken as the common one of its kind of accelerator. Such rows have wider ranges. A row that cannot be predicted is
refused with its reason, never dropped. `--leave-out source|accelerator|model` predicts each row by a fit on the
built-in measurements that saw nothing of its source, accelerator or model. The JSON holds to
`docs/schemas/accuracy.json`.

`planner refit training catalogs/profiles/training.yaml --date DATE` fits the training profile anew; the same
measurements and priors give the same file."""
