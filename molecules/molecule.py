"""The central type: a batch of molecular graphs, with PyTorch Geometric's field names."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from molecules.packed import Packed, ranges, starts

if TYPE_CHECKING:
    from torch_geometric.data import Batch


@dataclass(frozen=True)
class MoleculeBatch:
    """Molecules side by side, as one graph without edges between them.

    Attributes:
        x: (atom, atom field) int64, codes of `encoding.ATOM_FIELDS`.
        edge_index: (2, edge) int64, sender and receiver; each bond in both directions,
            sorted by receiver.
        edge_attr: (edge, bond field) int64, codes of `encoding.BOND_FIELDS`.
        batch: (atom,) int64, molecule of each atom.
        ptr: (molecule + 1,) int64, first atom of each molecule.
        pos: (atom, 3) Å, NaN for a molecule without conformer; None if none has one.
        descriptors: (molecule, descriptor), or None.
        fingerprint: (molecule, encoding.FINGERPRINT) log(1 + count), or None.
        sequence: (molecule, place) int64, codes of a `selfies.Vocabulary`, STOP behind the last,
            or None.
        conditions: (molecule, condition) in the units of `CONDITIONS`, or None.
        y: (molecule, task) in the units of the tasks, NaN where unmeasured, or None.
        bound: (molecule, task) 1 where the true value is at least `y`, -1 where it is at
            most `y`, 0 where it was measured; None if all were.
        weight: (molecule,) how much each counts in a loss; None if all count alike.
    """

    x: Tensor
    edge_index: Tensor
    edge_attr: Tensor
    batch: Tensor
    ptr: Tensor
    pos: Tensor | None = None
    descriptors: Tensor | None = None
    fingerprint: Tensor | None = None
    sequence: Tensor | None = None
    conditions: Tensor | None = None
    y: Tensor | None = None
    bound: Tensor | None = None
    weight: Tensor | None = None

    def __len__(self) -> int:
        return len(self.ptr) - 1

    def to(self, device: torch.device | str) -> Self:
        """The same batch on another device."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return replace(self, **{k: v.to(device) for k, v in values.items() if v is not None})

    @property
    def has_conformer(self) -> Tensor:
        """(molecule,) bool."""
        if self.pos is None:
            return torch.zeros(len(self), dtype=torch.bool, device=self.x.device)
        return self.pos[self.ptr[:-1]].isfinite().all(dim=-1)

    @classmethod
    def cut(cls, packed: Packed, indices: Sequence[int] | NDArray[np.int64]) -> Self:
        """Molecules of a store, by vectorized indexing."""
        chosen = np.asarray(indices, np.int64)
        atoms = np.diff(packed.atom_start)[chosen]
        edges = np.diff(packed.edge_start)[chosen]
        atom_row = ranges(packed.atom_start[chosen], atoms)
        edge_row = ranges(packed.edge_start[chosen], edges)
        ptr = starts(atoms)
        shift = np.repeat(ptr[:-1], edges)
        ends = np.stack([packed.senders[edge_row] + shift, packed.receivers[edge_row] + shift])
        return cls(
            x=torch.from_numpy(packed.atoms[atom_row].astype(np.int64)),
            edge_index=torch.from_numpy(ends),
            edge_attr=torch.from_numpy(packed.bonds[edge_row].astype(np.int64)),
            batch=torch.from_numpy(np.repeat(np.arange(len(chosen)), atoms)),
            ptr=torch.from_numpy(ptr),
        )

    def select(self, molecules: Tensor) -> tuple[Self, Tensor]:
        """Some of the molecules, without descriptors, fingerprints and labels.

        Args:
            molecules: (chosen,) int64.

        Returns:
            The smaller batch, its molecules in the order they have here, and the row
            here of each of its atoms.
        """
        chosen = torch.zeros(len(self), dtype=torch.bool, device=self.x.device)
        chosen[molecules] = True
        (rows,) = torch.nonzero(chosen[self.batch], as_tuple=True)
        (edges,) = torch.nonzero(chosen[self.batch[self.edge_index[1]]], as_tuple=True)
        number = torch.empty_like(self.batch)
        number[rows] = torch.arange(len(rows), device=rows.device)
        part = type(self)(
            x=self.x[rows],
            edge_index=number[self.edge_index[:, edges]],
            edge_attr=self.edge_attr[edges],
            batch=(chosen.cumsum(0) - 1)[self.batch[rows]],
            ptr=F.pad(self.ptr.diff()[chosen].cumsum(0), (1, 0)),
            pos=None if self.pos is None else self.pos[rows],
        )
        return part, rows

    def to_pyg(self) -> "Batch":
        """The same molecules as a `torch_geometric.data.Batch`, for its models and tools."""
        from torch_geometric.data import Batch, Data

        edges = torch.bincount(self.batch[self.edge_index[1]], minlength=len(self)).cumsum(0)
        spans = zip([0, *edges.tolist()], edges.tolist(), strict=False)
        return Batch.from_data_list(
            [
                Data(
                    x=self.x[first:last],
                    edge_index=self.edge_index[:, begin:end] - first,
                    edge_attr=self.edge_attr[begin:end],
                    pos=None if self.pos is None else self.pos[first:last],
                    y=None if self.y is None else self.y[number : number + 1],
                )
                for number, (first, last, (begin, end)) in enumerate(
                    zip(self.ptr.tolist(), self.ptr[1:].tolist(), spans, strict=False)
                )
            ]
        )


@dataclass(frozen=True)
class Padded:
    """Where each atom of a batch stands when molecules are rows of equal length.

    Attributes:
        valid: (molecule, place) bool, whether an atom stands there.
        place: (atom,) int64, place of each atom in the flattened (molecule, place).
    """

    valid: Tensor
    place: Tensor

    @classmethod
    def of(cls, batch: MoleculeBatch) -> Self:
        """Rows as long as the largest molecule of the batch."""
        sizes = batch.ptr.diff()
        longest = int(sizes.max())
        number = torch.arange(longest, device=sizes.device)
        first = batch.ptr[:-1].index_select(0, batch.batch)
        within = torch.arange(len(batch.batch), device=sizes.device) - first
        return cls(number < sizes.unsqueeze(1), batch.batch * longest + within)

    def pad(self, values: Tensor) -> Tensor:
        """(atom, ...) -> (molecule, place, ...), zero where no atom stands."""
        rows = values.new_zeros(self.valid.numel(), *values.shape[1:])
        return rows.index_copy(0, self.place, values).view(*self.valid.shape, *values.shape[1:])

    def gather(self, values: Tensor) -> Tensor:
        """Undo `pad`."""
        return values.flatten(0, 1).index_select(0, self.place)
