"""Random damage to good documents: whatever a file holds, reading it ends in a document or in an InputError."""

from __future__ import annotations

import gc
import json
import random
import time
from collections.abc import Iterator

import pytest

from planner.catalog.kinds import KINDS
from planner.documents.json_reader import parse_json
from planner.documents.reader import parse_yaml
from planner.documents.typed import require_schema, typed
from planner.errors import Fault, InputError
from tests.entries import entries_of

pytestmark = pytest.mark.unmeasured

SEED = 20_261_121
MUTATIONS = 20_000

SNIPPETS = (
    "a: 1\nb: [1, two, {c: 3 GB}]\nd:\n  - e: 'x'\n    f: \"y\\n\"\n",
    "schema: planner/node/v1\nid: a\npower: {rated: {low: 1 kW, mid: 2 kW, high: 3 kW}}\n",
    "text: |\n  two\n  lines\nfolded: >-\n  one\n  line\n? key\n: value\n",
)
SPICES = (
    *"[]{}:,-?&*!|>'\"%@`#\t\n\r\0 \\~",
    *(
        "<<: ",
        "&a ",
        "*a",
        "!!python/name:os.system ",
        "---\n",
        "...\n",
        "%TAG ! x\n",
        ": ",
        "- ",
        "? ",
        "1e999",
        ".nan",
    ),
    *("\ufeff", "\u2028", "\x85", "\ud800", "\U0001f600", "010", "9" * 30, "  ", "\n\n", "null", "true", "{low: 1}"),
)


def damaged(text: str, generator: random.Random) -> str:
    """Cut, repeat, exchange or spice a few places of a text."""
    for _ in range(generator.randint(1, 4)):
        at, to = sorted(generator.randrange(len(text) + 1) for _ in range(2))
        match generator.randrange(5):
            case 0:
                text = text[:at] + generator.choice(SPICES) + text[at:]
            case 1:
                text = text[:at] + text[min(to, at + 20) :]
            case 2:
                text = text[:to] + text[at:to][:40] + text[to:]
            case 3:
                text = text[:at] + generator.choice(SPICES) + text[at + 1 :]
            case _:
                text = text[:at] + chr(generator.randrange(0x250)) + text[at + 1 :]
    return text


@pytest.fixture
def own_garbage() -> Iterator[None]:
    """Keep collections away from what other tests left: going through that takes half a second, reading a text 1 ms."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("own_garbage")
@pytest.mark.parametrize("snippet", SNIPPETS)
def test_reading_damaged_text_ends_in_values_or_in_an_input_error(snippet: str) -> None:
    generator = random.Random(SEED)
    read = refused = 0
    slowest = 0.0
    for _ in range(MUTATIONS // len(SNIPPETS)):
        text = damaged(snippet, generator)
        began = time.process_time()
        try:
            parse_yaml(text)
            read += 1
        except InputError:
            refused += 1
        slowest = max(slowest, time.process_time() - began)
    assert read > 100
    assert refused > 100
    assert slowest < 0.5


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_damaged_catalog_entries_end_in_an_entry_or_in_faults_of_that_file(kind: str) -> None:
    file = min(entries_of(kind), key=lambda path: (path.stat().st_size, path.name))
    good = file.read_text("utf-8")
    generator = random.Random(SEED)
    refused: list[Fault] = []
    for _ in range(400):
        text = damaged(good, generator)
        try:
            tree = parse_yaml(text, name="damaged.yaml")
            require_schema(tree, KINDS[kind].schema)
            typed(tree, KINDS[kind].document)
        except InputError as error:
            refused += list(error.faults)
    assert len(refused) > 40
    assert [fault for fault in refused if fault.where is None and fault.id != "more-faults"] == []
    assert max(len(fault.message) for fault in refused) < 300
    assert not any("\n" in fault.message for fault in refused)


def test_damaged_json_ends_in_values_or_in_an_input_error() -> None:
    good = json.dumps({"layers": [1, 2.5e3, None, True], "text": 'a"\\b\u00e9', "nested": {"x": [[], {}]}}, indent=1)
    generator = random.Random(SEED)
    read = refused = 0
    for _ in range(MUTATIONS):
        try:
            parse_json(damaged(good, generator))
            read += 1
        except InputError:
            refused += 1
    assert read > 100
    assert refused > 100


@pytest.mark.parametrize("text", ['["\\ud800"]', '{"\\udc00": 1}', '["\\udc00\\ud800"]'])
def test_json_with_half_a_surrogate_pair_is_refused_since_nothing_could_write_it(text: str) -> None:
    with pytest.raises(InputError, match="surrogate"):
        parse_json(text)
