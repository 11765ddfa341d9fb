"""Molecular graphs of a whole table, one array per field.

A molecule is a range of rows in each array, so a batch is cut by vectorized indexing, a
store can be mapped into memory, and a drug-like molecule takes some 0.7 KB.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Packed:
    """A store of molecular graphs.

    Bonds stand in both directions, sorted by receiver and then by sender; their ends
    count from the molecule's first atom.

    Attributes:
        atoms: (atom, atom field) uint8, codes of `encoding.ATOM_FIELDS`.
        senders, receivers: (edge,) uint16.
        bonds: (edge, bond field) uint8, codes of `encoding.BOND_FIELDS`.
        atom_start, edge_start: (molecule + 1,) int64, first row of each molecule.
    """

    atoms: NDArray[np.uint8]
    senders: NDArray[np.uint16]
    receivers: NDArray[np.uint16]
    bonds: NDArray[np.uint8]
    atom_start: NDArray[np.int64]
    edge_start: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.atom_start) - 1

    def take(self, molecules: NDArray[np.int64]) -> "Packed":
        """Some of the molecules, in the order given."""
        atoms = np.diff(self.atom_start)[molecules]
        edges = np.diff(self.edge_start)[molecules]
        atom, edge = (
            ranges(self.atom_start[molecules], atoms),
            ranges(self.edge_start[molecules], edges),
        )
        return Packed(
            atoms=self.atoms[atom],
            senders=self.senders[edge],
            receivers=self.receivers[edge],
            bonds=self.bonds[edge],
            atom_start=starts(atoms),
            edge_start=starts(edges),
        )

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """Put the molecules of several stores into one, in order."""
        return cls(
            atoms=np.concatenate([part.atoms for part in parts]),
            senders=np.concatenate([part.senders for part in parts]),
            receivers=np.concatenate([part.receivers for part in parts]),
            bonds=np.concatenate([part.bonds for part in parts]),
            atom_start=starts(np.concatenate([np.diff(part.atom_start) for part in parts])),
            edge_start=starts(np.concatenate([np.diff(part.edge_start) for part in parts])),
        )


def starts(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """First row of each range, and the end of the last: sizes (n,) -> (n + 1,)."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])


def ranges(first: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of several ranges one after the other: (n,) and (n,) -> (sum of sizes,)."""
    begin = starts(sizes)
    return np.repeat(first - begin[:-1], sizes) + np.arange(begin[-1])
