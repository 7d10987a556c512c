"""What was fitted: efficiencies of hardware and software, with the fit that they come from.

A parameter has one shared value; families of chips, single chips, precisions, framework generations and engines
move it by a factor (or, for shares, by a shift). A chip or framework that the profile does not name takes
the shared value, or its relative's: that is the whole of the generalisation.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.catalog.entry import Entry
from planner.documents.types import Date, Flag, Id, Record, Share, Text, Whole, WholeOrZero

Number = Annotated[float, Field(allow_inf_nan=False)]


class Parameter(Record):
    """One fitted number.

    Parameters
    ----------
    value : the shared value.
    meaning : one sentence, with the unit.
    scale : `log` parameters are moved by factors, `linear` ones (shares) by shifts.
    low, high : bounds of its meaning; no fit may end on one.
    prior, width : what is believed without any row, and how firmly: in ln for `log`, else absolute.
    moves : how firmly moves are believed to be small, by the level that makes them: chip, family, library,
        operator, build (a library on one family of chips).
    """

    value: Number
    meaning: Text
    scale: Literal["log", "linear"] = "log"
    low: Number
    high: Number
    prior: Number
    width: Number
    moves: dict[Id, Number] = {}


class Moves(Record):
    """How one chip, family, precision or framework moves shared parameters: by factors, or by shifts.

    `priors` are the factors that were believed before any row was seen, 1 where none is named. `values` were measured
    on that very chip: they stand as they are, whatever the shared value is and whatever else moves it.
    """

    factors: dict[Id, Number] = {}
    shifts: dict[Id, Number] = {}
    priors: dict[Id, Number] = {}
    values: dict[Id, Number] = {}


class FrameworkMoves(Moves):
    """A framework generation, with what decides its memory.

    Parameters
    ----------
    title : what it is, with its years or releases.
    fused : layers are fused kernels; else plain torch modules.
    logits_copies : copies of the logits, in 16 bits, alive at once.
    head_gradient_bytes : of the head's weight gradient before it is added up.
    reserve_gib : driver context, communication buffers, libraries' work space.
    fragmentation : share of the allocated memory that the allocator cannot use.
    keeps_sent : a stage keeps what it sent to the next one until the backward pass.
    """

    title: Text
    aliases: tuple[Text, ...] = ()
    fused: Flag = True
    logits_copies: Number
    head_gradient_bytes: Number
    reserve_gib: Number
    fragmentation: Number
    keeps_sent: Flag = False


class CompiledGraphs(Record):
    """Shapes that an engine's graphs are compiled for; see `planner.serving.graphs`.

    Parameters
    ----------
    padded : prompts are padded to the length of prompt and answer together.
    repeated : keys and values are read once for each query head.
    every_expert : a prompt's tokens go through all experts.
    """

    padded: Flag = False
    repeated: Flag = False
    every_expert: Flag = False


class EngineMoves(Moves):
    """A generation of a serving engine, with what it is started with when nobody says otherwise.

    Parameters
    ----------
    title : what it is, with its releases.
    aliases : other names of it.
    memory_fraction : its memory setting, by the engine's own meaning.
    memory_fraction_of : `total` of the device, weights and activations inside it; `static` of the device,
        weights and cache inside it; `free` of what weights and activations leave, the cache alone.
    reserve_gib : driver context, libraries, communication buffers and captured graphs.
    block_tokens : tokens of one block of a paged cache; 1 where the cache is not paged.
    sequences : most sequences at once.
    pass_tokens : most tokens of one pass.
    chunked : prompts share passes with sequences that decode.
    reserving : a request starts only when its prompt and its longest answer fit the cache, so that none is ever put
        out of it; else it starts when its prompt does.
    graphs : shapes that it compiles its graphs for; none where every pass has its own.
    eager : the host launches every operation by itself, ahead of the device, and attention has no kernel for grouped
        heads; else whole passes are launched at once.
    short_sums : products of 16-bit floats are summed in 16 bits, for which cards for games have twice the rate.
    separate_heads : attention of a step that decodes takes every query head by itself, on vector units.
    joined_heads : query heads for each key head for which it has a kernel on matrix units all the same; 0 for none.
    holds : formats of weights that it keeps; none where it keeps all that are modelled.
    written_scores : attention over a prompt writes its scores to memory and reads them back: no fused kernel.
    overlapping : what the host does for each sequence of a step goes on while the device works on the next.
    relative : the engine whose moves stand in for what was not fitted, if any.
    """

    title: Text
    aliases: tuple[Text, ...] = ()
    memory_fraction: Share
    memory_fraction_of: Literal["total", "static", "free"]
    reserve_gib: Number
    block_tokens: Whole
    sequences: Whole
    pass_tokens: Whole
    chunked: Flag = True
    reserving: Flag = False
    graphs: CompiledGraphs | None = None
    eager: Flag = False
    short_sums: Flag = False
    separate_heads: Flag = False
    joined_heads: WholeOrZero = 0
    holds: tuple[Text, ...] = ()
    written_scores: Flag = False
    overlapping: Flag = False
    relative: Id | None = None


class Spread(Record):
    """80 % of measured over predicted lies between `low` and `high` for rows of the class."""

    low: Number
    high: Number
    rows: WholeOrZero = 0


class FitReport(Record):
    """Where the values come from: rows, dates, and errors on rows that were left out (|ln ratio|)."""

    date: Date
    rows: WholeOrZero
    method: Text
    errors: dict[Text, Number] = {}


class Profile(Entry):
    """Efficiencies of one kind of work.

    `data_sheets` moves single chips by what is known of them without any run: they hold whether or not the chip
    has rows, while `chips` names those that have some.
    """

    schema_: Annotated[Literal["planner/profile/v1"], Field(alias="schema")]
    kind: Literal["training", "serving", "kernels"]
    parameters: dict[Id, Parameter]
    families: dict[Id, Moves] = {}
    data_sheets: dict[Id, Moves] = {}
    chips: dict[Id, Moves] = {}
    precisions: dict[Id, Moves] = {}
    frameworks: dict[Id, FrameworkMoves] = {}
    engines: dict[Id, EngineMoves] = {}
    libraries: dict[Id, Moves] = {}
    operators: dict[Id, Moves] = {}
    builds: dict[Id, Moves] = {}
    ranges: dict[Id, Spread] = {}
    domain: dict[Text, tuple[Number, Number]] = {}
    fit: FitReport
    version: Whole = 1
