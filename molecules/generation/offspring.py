"""What a search asks for new molecules, whoever makes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Offspring:
    """A molecule and where it comes from.

    Attributes:
        smiles: a constitution; empty if nothing came of it.
        parent: SMILES of one that had been found before.
        how: what was done to the parent, where it can be told.
    """

    smiles: str
    parent: str
    how: str


class Source(Protocol):
    """Makes offspring."""

    def describe(self) -> str:
        """What offspring is made of, for a reader."""
        ...

    def accepts(self, smiles: str) -> bool:
        """Whether a molecule can be a parent."""
        ...

    def place(self, smiles: Sequence[str]) -> None:
        """Prepare molecules, all of them accepted, for being parents."""
        ...

    def knows(self, smiles: Sequence[str]) -> NDArray[np.bool_]:
        """(molecule,) whether it is among the molecules that offspring is learned from."""
        ...

    def offspring(self, parents: Sequence[str], number: int) -> list[Offspring]:
        """That many children of parents that were placed before."""
        ...
