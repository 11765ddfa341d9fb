"""Which cells there are, and what each needs."""

import fnmatch
import functools
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import molecules_ours
import molecules_peers
import numpy as np
from molecules_cells import Cell, identity, stem
from molecules_data import SOURCES, Labelled, Source, load
from molecules_job import cpu_seconds
from molecules_splits import SEEDS, splits_of, stored_folds, with_share

from molecules.evaluation.splits import Split
from sciml.files import atomic_path

SHARES = (1.0, 0.1)
MODELS = ("forest", "lightgbm", "chemprop", "ours")


@dataclass(frozen=True)
class Store:
    """The folder of what is kept between runs.

    Attributes:
        data: folder of molecules that tables are read from.
        folder: of cells, splits and features.
    """

    data: Path
    folder: Path

    @property
    def cells(self) -> Path:
        """Folder of finished cells."""
        return self.folder / "cells"

    def holds(self, table: str, split: str) -> bool:
        """Whether there is any cell."""
        return any((self.cells / table).glob(f"{split}-*/*.json"))

    def count(self, model: str) -> int:
        """How many cells there are of a contestant, whatever its settings were."""
        return sum(1 for _ in self.cells.glob(f"*/*/{stem(model)}-*.json"))

    def folds(self, table: Labelled, split: str, seed: int, labels: float) -> Split:
        """Rows of train, valid and test that a cell sees."""
        whole = stored_folds(table, split, seed, self.folder / "splits")
        return with_share(whole, labels, seed)

    def features(self, table: Labelled) -> Path:
        """File of the trees' features, with their CPU seconds in a file beside it."""
        path = self.folder / "features" / f"{table.source.name}-{table.digest}.npy"
        if not path.exists():
            from molecules_features import molecular_features

            began = cpu_seconds()
            made = molecular_features(table.smiles)
            spent = {"seconds": cpu_seconds() - began, "molecules": len(made)}
            with atomic_path(path.with_suffix(".json")) as temporary:
                temporary.write_text(json.dumps(spent))
            with atomic_path(path) as temporary:
                np.save(temporary, made)
        return path


@dataclass(frozen=True)
class Entry:
    """A table divided in one way: what models are compared on.

    Attributes:
        source: of the table.
        split: how it is divided.
    """

    source: Source
    split: str

    @property
    def name(self) -> str:
        """As reported."""
        return f"{self.source.name}, {self.split}"


@dataclass(frozen=True)
class Plan:
    """All cells that are asked for.

    Attributes:
        store: of what is kept.
        models: contestants.
        labels: shares of the labels that models learn from.
        seeds: that are wanted; those that an entry does not have are left out.
        only: patterns of `table:model`, as in a shell.
        splits: that are wanted.
    """

    store: Store
    models: Sequence[str] = MODELS
    labels: Sequence[float] = SHARES
    seeds: Sequence[int] = tuple(range(max(SEEDS.values())))
    only: Sequence[str] = ("*",)
    splits: Sequence[str] = tuple(SEEDS)

    def entries(self) -> list[Entry]:
        """Tables and splits, smallest tables first."""
        found = [Entry(source, kind) for source in SOURCES for kind in splits_of(source)]
        return [entry for entry in found if entry.split in self.splits]

    def seeds_of(self, entry: Entry) -> list[int]:
        """The wanted seeds that it has."""
        return [seed for seed in self.seeds if seed < SEEDS[entry.split]]

    def wants(self, entry: Entry, model: str) -> bool:
        """Whether a pattern names them."""
        name = f"{entry.source.name}:{model}"
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.only)

    def cells(self) -> Iterator[tuple[Entry, Cell]]:
        """Every cell: one seed of all tables, then the next."""
        asked = itertools.product(self.labels, self.seeds, self.entries(), self.models)
        for labels, seed, entry, model in asked:
            if seed in self.seeds_of(entry) and self.wants(entry, model):
                yield entry, self.cell(entry, seed, model, labels)

    def cell(self, entry: Entry, seed: int, model: str, labels: float = 1.0) -> Cell:
        """One cell, with its identity."""
        table = self.table(entry.source)
        folds = self.store.folds(table, entry.split, seed, labels)
        told = identity(settings_of(model), table.digest, folds)
        return Cell(entry.source.name, entry.split, seed, model, labels, told)

    def table(self, source: Source) -> Labelled:
        """Read once."""
        if source.name not in self._tables:
            self._tables[source.name] = load(source, self.store.data)
        return self._tables[source.name]

    @cached_property
    def _tables(self) -> dict[str, Labelled]:
        return {}


@functools.cache
def settings_of(model: str) -> dict[str, Any]:
    """What tells this contestant from others of that name."""
    kind, _, name = model.partition(":")
    if kind == "ours":
        return molecules_ours.settings_of(name)
    if kind in molecules_peers.TREES:
        return molecules_peers.SETTINGS[kind] | {"features of RDKit": version("rdkit")}
    return molecules_peers.SETTINGS[model]
