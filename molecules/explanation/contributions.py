"""Contributions of atoms beside the rows they belong to."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from rdkit import Chem, rdBase

from molecules.explanation.attribution import Attribution


@dataclass(frozen=True)
class Explained:
    """Some consecutive rows of a table with the contributions of their atoms.

    Attributes:
        first: number of the first row, from 1.
        names: of the rows; may be blank.
        attribution: of the rows.
        start: of these rows in `attribution`.
    """

    first: int
    names: list[str]
    attribution: Attribution
    start: int = 0

    def alone(self) -> list["Explained"]:
        """Each row for itself."""
        return [
            Explained(self.first + number, [name], self.attribution, self.start + number)
            for number, name in enumerate(self.names)
        ]

    def tidy(self) -> pd.DataFrame:
        """One line for each row, atom and property; a row without molecule has one line each.

        Columns: `row` from 1, `name`, `smiles`, `task`, `pred`; `atom` from 0 in the order of
        the SMILES, `element`, `contribution`; of integrated gradients `no_information`, where
        they begin; `status`, `reason`.
        """
        told = self.attribution
        prediction, tasks = told.prediction, len(told.prediction.tasks)
        sizes = np.array([len(atoms) for atoms in told.atoms])
        lines = np.maximum(sizes, 1)
        row = np.repeat(np.arange(len(lines)), lines)
        atom = np.concatenate([np.arange(count) for count in lines])
        nowhere = np.full((1, tasks), np.nan)
        values = np.concatenate([part if len(part) else nowhere for part in told.atoms])
        elements = [
            symbol
            for smiles, size in zip(told.smiles, sizes, strict=True)
            for symbol in _elements(smiles, size)
        ]
        frame = pd.DataFrame(
            {
                "row": row + self.first,
                "name": [self.names[i] for i in row],
                "smiles": [told.smiles[i] or "" for i in row],
                "atom": pd.Series(atom, dtype="Int32").mask(sizes[row] == 0),
                "element": elements,
                "status": [prediction.status[i] for i in row],
                "reason": [prediction.reason[i] for i in row],
            }
        )
        origin = None if told.origin is None else told.origin.astype(np.float32)
        parts = [
            frame.assign(
                task=name,
                pred=prediction.mean[row, column].astype(np.float32),
                contribution=values[:, column].astype(np.float32),
                **({} if origin is None else {"no_information": origin[row, column]}),
            )
            for column, name in enumerate(prediction.tasks.names)
        ]
        together = pd.concat(parts, ignore_index=True)
        order = np.argsort(np.tile(row, tasks), kind="stable")
        begins = [] if origin is None else ["no_information"]
        return together.iloc[order][
            ["row", "name", "smiles", "task", "pred", "atom", "element", "contribution", *begins,
             "status", "reason"]
        ]  # fmt: skip


def _elements(smiles: str | None, atoms: int) -> list[str]:
    """Symbols of the atoms; a blank for a row without any."""
    if not atoms:
        return [""]
    with rdBase.BlockLogs():
        return [atom.GetSymbol() for atom in Chem.MolFromSmiles(str(smiles).strip()).GetAtoms()]
