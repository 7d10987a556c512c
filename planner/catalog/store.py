"""Looking entries up by id or alias over layers: the built-in catalogs, and over them the user's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from planner.catalog.accelerator import Accelerator
from planner.catalog.checkpoints import joined, other_names, plain, squeezed, without_format
from planner.catalog.defaults import Defaults
from planner.catalog.entry import Entry, Provenance, Source, Standing
from planner.catalog.facility import Facility
from planner.catalog.folders import Folders, built_in, is_plain
from planner.catalog.kinds import KINDS, Kind, schema_name
from planner.catalog.measured_host import MeasuredHost, with_hosts
from planner.catalog.model import Model
from planner.catalog.network import Network
from planner.catalog.node import Node
from planner.catalog.parts import PartNames
from planner.catalog.profile import Profile
from planner.catalog.sources import SourceFiles
from planner.catalog.storage import Storage
from planner.documents.files import ReadBudget, read_text
from planner.documents.reader import Trail, Tree, read_yaml
from planner.documents.rows import Table, read_table
from planner.documents.typed import require_schema, typed
from planner.documents.types import Record
from planner.errors import Fault, InputError, UnknownNameError, did_you_mean, listing, visible

E = TypeVar("E", bound=Entry)
S = TypeVar("S", bound=Record)


@dataclass
class Catalog:
    """Entries by kind and name.

    Parameters
    ----------
    layers : folders laid out like `catalogs/`, the one that wins first.
    budget : what this run may still read.
    """

    layers: Sequence[Path] = field(default_factory=lambda: (built_in(),))
    budget: ReadBudget = field(default_factory=ReadBudget)
    _entries: dict[tuple[str, str], Entry] = field(default_factory=dict, repr=False)
    _trees: dict[tuple[str, str], Tree] = field(default_factory=dict, repr=False)
    _sheets: dict[str, Record] = field(default_factory=dict, repr=False)
    _sheet_trees: dict[str, Tree] = field(default_factory=dict, repr=False)
    _tables: dict[str, list[tuple[int, Table]]] = field(default_factory=dict, repr=False)
    _names: dict[tuple[str, str], str | None] = field(default_factory=dict, repr=False)
    _texts: dict[tuple[Callable[[str], str], Path], str] = field(default_factory=dict, repr=False)
    _with_hosts: dict[str, Profile] = field(default_factory=dict, repr=False)

    def accelerator(self, name: str, *, tree: Tree | None = None, trail: Trail = ()) -> Accelerator:
        """Give the accelerator of that id or alias."""
        return self._get("accelerator", Accelerator, name, tree, trail)

    def node(self, name: str, *, tree: Tree | None = None, trail: Trail = ()) -> Node:
        """Give the node of that id or alias."""
        return self._get("node", Node, name, tree, trail)

    def network(self, name: str, *, tree: Tree | None = None, trail: Trail = ()) -> Network:
        """Give the network of that id or alias."""
        return self._get("network", Network, name, tree, trail)

    def model(self, name: str, *, tree: Tree | None = None, trail: Trail = ()) -> Model:
        """Give the model of that id or alias."""
        return self._get("model", Model, name, tree, trail)

    def facility(self, name: str, *, tree: Tree | None = None, trail: Trail = ()) -> Facility:
        """Give the facility of that id or alias."""
        return self._get("facility", Facility, name, tree, trail)

    def storage(self, name: str, *, tree: Tree | None = None, trail: Trail = ()) -> Storage:
        """Give the storage of that id or alias."""
        return self._get("storage", Storage, name, tree, trail)

    def profile(self, name: str, *, tree: Tree | None = None, trail: Trail = ()) -> Profile:
        """Give the profile of that id or alias, with the measured machines of the catalogs in it."""
        shared = self._get("profile", Profile, name, tree, trail)
        hosts = [self._get("measured-host", MeasuredHost, host, None, ()) for host in self.ids("measured-host")]
        if not hosts:
            return shared
        if shared.id not in self._with_hosts:
            self._with_hosts[shared.id] = with_hosts(shared, hosts)
        return self._with_hosts[shared.id]

    def defaults(self) -> Defaults:
        """Give what is assumed where a scenario does not say."""
        return self._get("defaults", Defaults, "planner", None, ())

    def adopt(self, kind: str, path: Path) -> str:
        """Take one entry from a file outside the folders, over all of them; give its id.

        For files that a person named; what a document names is never a path.
        """
        self._folders.adopt(kind, path)
        self._names.clear()
        return self._load(KINDS[kind], path).id

    def ids(self, kind: str) -> list[str]:
        """Give the ids of one kind, sorted."""
        return [path.stem for path in self._folders.files(kind)]

    def entries(self, kind: str) -> Iterator[Entry]:
        """Give every entry of one kind, in the order of their ids."""
        for name in self.ids(kind):
            yield self._load(KINDS[kind], self._path(kind, name))

    def entry(self, kind: str, name: str) -> Entry:
        """Give the entry of a kind by its id."""
        return self._load(KINDS[kind], self._path(kind, name))

    def loaded(self) -> list[Entry]:
        """Give every entry that was read so far, in the order of kinds and ids."""
        return [self._entries[key] for key in sorted(self._entries)]

    def tree(self, kind: str, name: str) -> Tree:
        """Give the positioned text of an entry, for errors that point into it."""
        self._load(KINDS[kind], self._path(kind, name))
        return self._trees[kind, name]

    def sheet(self, name: str, document: type[S]) -> S:
        """Give the single document of that name, `prices/rules` say, from the winning folder that has it."""
        found = self._sheets.get(name)
        if found is None:
            path = self._folders.first(f"{name}.yaml")
            if path is None:
                raise UnknownNameError(Fault("unknown-name", f"no '{name}.yaml' in the catalogs"))
            tree = read_yaml(path, budget=self.budget, name=self._folders.shown(path))
            require_schema(tree, f"planner/{schema_name(name)}/v1")
            found = self._sheets[name] = typed(tree, document)
            self._sheet_trees[name] = tree
        if not isinstance(found, document):
            raise AssertionError(f"{name} is a {type(found).__name__}")
        return found

    def sheet_tree(self, name: str) -> Tree:
        """Give the positioned text of a single document that `sheet` gave, for errors that point into it."""
        return self._sheet_trees[name]

    def table(self, name: str, columns: Sequence[str]) -> list[tuple[int, Table]]:
        """Give the CSV files of that name, `prices/aws` say, with the number of their folder, the winning one first."""
        if name not in self._tables:
            self._tables[name] = [
                (number, read_table(path, columns=columns, budget=self.budget, name=self._folders.shown(path)))
                for number, layer in enumerate(self.layers)
                if all(map(is_plain, name.split("/"))) and (path := layer / f"{name}.csv").is_file()
            ]
        return self._tables[name]

    def tables(self, folder: str) -> list[str]:
        """Give the names of the CSV files in a folder, sorted."""
        return sorted({path.stem for layer in self.layers for path in (layer / folder).glob("*.csv")})

    def source(self, key: str) -> Source | None:
        """Give a source by its key, or None."""
        return self._source_files.get(key)

    def source_keys(self) -> list[str]:
        """Give the keys of all sources, sorted."""
        return self._source_files.keys()

    def standing(self, provenance: Provenance) -> Standing:
        """Give how far a value can be trusted: its own mark, or else how its source was seen."""
        if provenance.standing is not Standing.READ:
            return provenance.standing
        source = self.source(provenance.source)
        return source.standing if source else Standing.ESTIMATED

    def resolve(self, kind: str, name: str) -> str | None:
        """Give the id that a name belongs to, or None: an id itself, or an alias in any case."""
        if (kind, name) not in self._names:
            self._names[kind, name] = self._resolved(kind, name)
        return self._names[kind, name]

    def _resolved(self, kind: str, name: str) -> str | None:
        wanted = name.casefold()
        if self._folders.is_adopted(kind, name):
            return name
        if not wanted:
            return None
        found = self._of_id(kind, wanted) or self._of_alias(kind, [wanted], lambda alias: [alias.casefold()])
        if found is None and kind == "model":
            others = other_names(name)
            ids = (self._of_id(kind, other) for other in others)
            found = next(filter(None, ids), None) or (self._of_alias(kind, others, other_names) if others else None)
            found = found or self._of_squeezed(kind, [squeezed(form) for form in (name, *others)])
        if found is None and kind == "accelerator":
            found = self._part_names.find(name)
        return found

    def _of_id(self, kind: str, wanted: str) -> str | None:
        return wanted if self._folders.file(kind, wanted) else None

    def _of_alias(self, kind: str, wanted: Sequence[str], forms: Callable[[str], list[str]]) -> str | None:
        """Give the id of the entry with an alias of which some form is wanted; of several, the first that is."""
        found: dict[str, str] = {}
        for path in self._folders.files(kind):
            # Only files that hold the spelling somewhere are read: an alias costs one read, not hundreds.
            if any(joined(name) in self._text(joined, path) for name in wanted):
                entry = self._load(KINDS[kind], path)
                for form in [form for alias in entry.aliases for form in forms(alias)]:
                    found.setdefault(form, entry.id)
                if wanted[0] in found:
                    break
        return next((found[name] for name in wanted if name in found), None)

    def _of_squeezed(self, kind: str, wanted: Sequence[str]) -> str | None:
        """Give the id of the one entry that has a wanted name but for what stands between its words."""
        found: dict[str, str] = {}
        for path in self._folders.files(kind):
            if any(name in self._text(squeezed, path) for name in wanted):
                entry = self._load(KINDS[kind], path)
                for known in (entry.id, entry.name, *entry.aliases, *map(plain, entry.aliases)):
                    found.setdefault(squeezed(known), entry.id)
        return next((found[name] for name in wanted if name in found), None)

    def _text(self, form: Callable[[str], str], path: Path) -> str:
        """Give the text of a file in a form in which names are looked for; files of measured rows ask for hundreds."""
        if (form, path) not in self._texts:
            self._texts[form, path] = form(read_text(path, budget=ReadBudget(), name=self._folders.shown(path)))
        return self._texts[form, path]

    def _get(self, kind: str, document: type[E], name: str, tree: Tree | None, trail: Trail) -> E:
        found = self.resolve(kind, name)
        if found is None:
            raise self.unknown(kind, name, tree, trail)
        # One that was read before is not looked for in the folders again.
        entry = self._entries.get((kind, found)) or self._load(KINDS[kind], self._path(kind, found))
        if not isinstance(entry, document):
            raise AssertionError(f"{kind} {found} is a {type(entry).__name__}")
        return entry

    def unknown(self, kind: str, name: str, tree: Tree | None, trail: Trail) -> UnknownNameError:
        """Give the error for a name that no entry of a kind has."""
        known = self.ids(kind)
        message = f"no {kind} '{visible(name)[:80]}' in the catalogs"
        stored = self.resolve(kind, without_format(name)) if kind == "model" else None
        hint = did_you_mean(name, known) or f"planner catalog list {KINDS[kind].folder}"
        if stored:
            hint = f"name the model '{stored}', and its number formats under 'precision'"
        allowed = listing(known)
        if tree is None:
            return UnknownNameError(Fault("unknown-name", message, allowed=allowed, hint=hint))
        return UnknownNameError(tree.fault("unknown-name", message, trail, allowed=allowed, hint=hint))

    def _path(self, kind: str, name: str) -> Path:
        path = self._folders.file(kind, name)
        if path is None:
            raise self.unknown(kind, name, None, ())
        return path

    def _load(self, kind: Kind, path: Path) -> Entry:
        key = (kind.name, path.stem)
        if key not in self._entries:
            tree = read_yaml(path, budget=self.budget, name=self._folders.shown(path))
            require_schema(tree, kind.schema)
            entry = typed(tree, kind.document)
            if entry.id != path.stem:
                raise InputError(
                    tree.fault(
                        "id-file-name",
                        f"id '{entry.id}' stands in {path.name}",
                        ("id",),
                        hint="name the file as its id",
                    )
                )
            self._trees[key] = tree
            self._entries[key] = entry
        return self._entries[key]

    @cached_property
    def _folders(self) -> Folders:
        return Folders(self.layers)

    @cached_property
    def _part_names(self) -> PartNames:
        return PartNames(part for part in self.entries("accelerator") if isinstance(part, Accelerator))

    @cached_property
    def _source_files(self) -> SourceFiles:
        return SourceFiles(self.layers, self.budget, self._folders.shown)
