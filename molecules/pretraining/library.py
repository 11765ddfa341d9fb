"""Molecules to learn from, of any number: kept in files of some thousand, read as needed."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from molecules.features.conformers import conformers
from molecules.features.selfies import padded
from molecules.features.store import CHUNK, stored_featurize
from molecules.features.writing_order import stored_as_written
from molecules.molecule import MoleculeBatch
from molecules.packed import Packed, ranges, starts
from molecules.pretraining.targets import Targets, open_targets, store_targets
from molecules.pretraining.texts import Texts, open_texts, store_texts
from sciml.cli import progress
from sciml.processes import PlainSpawn, begin_worker

_IN_ANY_ORDER = 2**20  # molecules, some 2 GB of files, that memory is trusted to keep


@dataclass(frozen=True)
class Part:
    """The usable molecules of one file.

    Attributes:
        packed: their graphs.
        targets: what they tell of themselves; None if it is not asked for.
        positions: (atom, 3) Å, NaN without conformer; None if they are not asked for.
        texts: their SELFIES; None if they are not asked for.
    """

    packed: Packed
    targets: Targets | None = None
    positions: NDArray[np.float32] | None = None
    texts: Texts | None = None

    def __len__(self) -> int:
        return len(self.packed)


@dataclass(frozen=True)
class Wanted:
    """Conformers to make: the seed, and of how many molecules, the first; None for all."""

    seed: int
    molecules: int | None = None


class Library:
    """A batch source over the molecules of many parts.

    Args:
        parts: in their order.
        indices: (row,) numbers of molecules, counted over all parts; default all.
    """

    def __init__(self, parts: Sequence[Part], indices: NDArray[np.int64] | None = None) -> None:
        self.parts = parts
        self.first = starts(np.array([len(part) for part in parts], np.int64))
        self.indices = np.arange(self.first[-1]) if indices is None else indices

    def __len__(self) -> int:
        return len(self.indices)

    def rows(self, indices: NDArray[np.int64]) -> "Library":
        """The same parts seen through other numbers."""
        return Library(self.parts, indices)

    @property
    def runs(self) -> NDArray[np.int64] | None:
        """(row,) part of each molecule, where there are more than memory is trusted to keep."""
        return None if len(self) <= _IN_ANY_ORDER else self._part(self.indices)

    def __getitems__(self, indices: Sequence[int]) -> MoleculeBatch:
        """The batch of these rows, those of one part side by side."""
        numbers = np.sort(self.indices[np.asarray(indices, np.int64)])
        owners = self._part(numbers)
        cuts = [
            _cut(self.parts[owner], numbers[owners == owner] - self.first[owner])
            for owner in np.unique(owners)
        ]
        return _joined(cuts)

    def _part(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.searchsorted(self.first, numbers, side="right") - 1


def make_library(
    smiles: Sequence[str],
    folder: Path,
    max_atoms: int,
    targets: bool,
    shapes: Wanted | None = None,
    processes: int = 1,
    texts: bool = False,
) -> Library:
    """Compute what is not in the folder yet, several files at once, and open all of it.

    Args:
        smiles: one per molecule; those that cannot be used are left out.
        folder: of the files.
        max_atoms: a molecule with more is left out.
        targets: compute them too.
        shapes: conformers to make; None for none.
        processes: at most so many.
        texts: write them as SELFIES too; their atoms are then in the order of writing, and
            stereochemistry is left out.
    """
    chunks = [smiles[first : first + CHUNK] for first in range(0, len(smiles), CHUNK)]
    jobs = [(chunk, folder, max_atoms, targets, texts) for chunk in chunks]
    workers = min(len(jobs), processes)
    with progress() as bar:
        counter = bar.add_task("files of molecules", total=len(jobs))
        if workers < 2:
            for job in jobs:
                _store(*job)
                bar.advance(counter)
        else:
            with ProcessPoolExecutor(workers, PlainSpawn(), begin_worker) as pool:
                for _ in pool.map(_store, *zip(*jobs, strict=True)):
                    bar.advance(counter)
    parts: list[Part] = []
    for job in jobs:
        parts.append(_open(*job, shapes, sum(map(len, parts)), processes))
    return Library(parts)


def _store(smiles: Sequence[str], folder: Path, max_atoms: int, targets: bool, texts: bool) -> None:
    """Write the files of one chunk; runs in a process of its own."""
    if texts:
        smiles = stored_as_written(smiles, folder)
    featurized = stored_featurize(smiles, max_atoms, folder=folder)
    usable = [smiles[row] for row in featurized.rows]
    if targets:
        store_targets(usable, folder)
    if texts:
        store_texts(usable, folder)


def _open(
    smiles: Sequence[str],
    folder: Path,
    max_atoms: int,
    targets: bool,
    texts: bool,
    shapes: Wanted | None,
    before: int,
    processes: int,
) -> Part:
    """A part behind so many other molecules."""
    if texts:
        smiles = stored_as_written(smiles, folder)
    featurized = stored_featurize(smiles, max_atoms, folder=folder)
    usable = [smiles[row] for row in featurized.rows]
    positions = None
    if shapes is not None:
        left = None if shapes.molecules is None else max(shapes.molecules - before, 0)
        made = conformers(usable[:left], shapes.seed, processes, folder).positions
        positions = np.full((len(featurized.packed.atoms), 3), np.nan, np.float32)
        positions[: len(made)] = made
    return Part(
        featurized.packed,
        open_targets(store_targets(usable, folder)) if targets else None,
        positions,
        open_texts(store_texts(usable, folder)) if texts else None,
    )


def _cut(part: Part, rows: NDArray[np.int64]) -> Part:
    """Some molecules of a part, in memory."""
    packed, targets = part.packed, part.targets
    atoms = ranges(packed.atom_start[rows], np.diff(packed.atom_start)[rows])
    if targets is not None:
        kinds = ranges(targets.start[rows], np.diff(targets.start)[rows])
        targets = Targets(
            targets.descriptors[rows],
            starts(np.diff(targets.start)[rows]),
            targets.environment[kinds],
            targets.count[kinds],
        )
    return Part(
        packed.take(rows),
        targets,
        None if part.positions is None else part.positions[atoms],
        None if part.texts is None else part.texts.take(rows),
    )


def _joined(parts: Sequence[Part]) -> MoleculeBatch:
    packed = Packed.join([part.packed for part in parts])
    batch = MoleculeBatch.cut(packed, np.arange(len(packed)))
    targets = [part.targets for part in parts if part.targets is not None]
    if targets:
        described = np.concatenate([target.descriptors for target in targets])
        counts = np.concatenate([target.counts() for target in targets])
        batch = replace(
            batch,
            descriptors=torch.from_numpy(described),
            fingerprint=torch.from_numpy(counts).float().log1p(),
        )
    positions = [part.positions for part in parts if part.positions is not None]
    if positions:
        batch = replace(batch, pos=torch.from_numpy(np.concatenate(positions)))
    texts = [part.texts for part in parts if part.texts is not None]
    if texts:
        conditions = np.concatenate([text.conditions for text in texts])
        batch = replace(
            batch,
            sequence=torch.from_numpy(padded([text.sequences for text in texts])),
            conditions=torch.from_numpy(conditions),
        )
    return batch
