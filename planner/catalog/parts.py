"""Names of accelerators as sources write them: makers, brackets, form factors and sizes of memory around one part."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from planner.catalog.accelerator import Accelerator

_BETWEEN = re.compile(r"[\s\-_/:,()]+")
_BRACKETS = re.compile(r"\s*\([^)]*\)")
_SOCKET = re.compile(r"^sxm\d$")
_MEMORY = re.compile(r"^(\d+)g(?:i?b)?$")
_SHARED_BOARD = re.compile(r"^nvl\d\d$")
# Makers, lines of products and kinds of memory, none of which tells one part from another.
_SAYS_NOTHING = frozenset(
    (
        *("nvidia", "geforce", "tesla", "hgx", "dgx", "superchip", "blackwell", "amd", "instinct", "epyc"),
        *("intel", "habana", "xeon", "platinum", "gold", "aws", "amazon", "annapurna", "google", "cloud"),
        *("cpu", "gpu", "gpus", "hpu", "chip", "chips", "core", "card", "accelerator", "generation", "edition"),
        *("server", "hbm", "hbm2", "hbm2e", "hbm3", "hbm3e", "gddr6", "gddr6x", "gddr7"),
    )
)
_SLOT, _CPU = "pcie", "cpu"
_SHARES_MEMORY = "apple"  # its chips, like CPUs, are sold with memory of several sizes under one name
_SIZES_AGREE = 0.15  # one part is sold as 180 and as 192 GB; parts of one name that differ do so by a quarter and more


class PartNames:
    """Accelerators by what is left of their names without what sources add to them."""

    def __init__(self, parts: Iterable[Accelerator]) -> None:
        self._owners: dict[str, list[Accelerator]] = {}
        for part in parts:
            for name in dict.fromkeys((part.id, *part.aliases, part.name)):
                owners = self._owners.setdefault("".join(_words(name)), [])
                if part not in owners:
                    owners.append(part)

    def find(self, name: str) -> str | None:
        """Give the id of the one accelerator that a name can mean; None for none, or for several.

        A size of memory counts where it is the part's own: a name with 141 GB is no name of a part with 96 GB. What is
        called a CPU is no GPU of the same chip.
        """
        found = self._found(name)
        is_cpu = _CPU in _BETWEEN.split(name.casefold())
        return found.id if found and (found.kind == _CPU or not is_cpu) else None

    def _found(self, name: str) -> Accelerator | None:
        for words in _forms(name):
            owners = self._owners.get("".join(words), [])
            if len(owners) == 1:
                return owners[0]
            size = next((int(found[1]) for word in words if (found := _MEMORY.match(word))), None)
            if size is not None:
                bare = "".join(word for word in words if not _MEMORY.match(word))
                fitting = [part for part in self._owners.get(bare, []) if _holds(part, size)]
                if len(fitting) == 1:
                    return fitting[0]
        cards = [part for part in self._owners.get("".join(_without_slot(name)), []) if _in_slot(part)]
        return cards[0] if len(cards) == 1 else None


def _forms(name: str) -> Iterator[list[str]]:
    """Give a name's words with and without what stands in brackets, and without its form factor."""
    whole, outside = _words(name), _words(_BRACKETS.sub("", name))
    for words in (whole, outside):
        if words:
            yield words
    bare = [word for word in outside if word != "sxm"]
    if bare and bare != outside:
        yield bare


def _without_slot(name: str) -> list[str]:
    words = _words(_BRACKETS.sub("", name))
    return [word for word in words if word != _SLOT] if _SLOT in words else []


def _words(name: str) -> list[str]:
    words = [word for word in _BETWEEN.split(name.casefold()) if word and word not in _SAYS_NOTHING]
    plain = ["sxm" if _SOCKET.match(word) else word for word in words if not _SHARED_BOARD.match(word)]
    return [word + "b" if re.fullmatch(r"\d+g", word) else word for word in plain]


def _in_slot(part: Accelerator) -> bool:
    """Tell whether a part comes as a card for a slot alone, so that the slot in its name says nothing."""
    return part.link is not None and part.link.kind.startswith("PCIe")


def _holds(part: Accelerator, size_gb: int) -> bool:
    if part.kind == "cpu" or part.vendor == _SHARES_MEMORY:
        return True
    memory = part.memory.marketed or part.memory.capacity
    return abs(memory / 1e9 / size_gb - 1.0) <= _SIZES_AGREE
