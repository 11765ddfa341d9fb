"""Molecules as SELFIES with the properties that a user may ask for, kept in files.

Some 0.5 ms a molecule, computed in parallel, once. The files are named by a hash of the
SMILES and of all that decides what is written, and are mapped into memory.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Self

import numpy as np
import rdkit
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from safetensors.numpy import save_file

from molecules.features.cache_path import cache_path
from molecules.features.conditions import CONDITIONS, conditions_of
from molecules.features.mapped import map_arrays
from molecules.features.selfies import Sequences, Vocabulary, constitution_of, identity, write_all
from sciml.files import atomic_path

_FORMAT = 3


@dataclass(frozen=True)
class Texts:
    """Some molecules, written.

    Attributes:
        sequences: one per molecule; empty where it cannot be written.
        alphabet: symbols that codes count in; empty for those of a vocabulary.
        conditions: (molecule, condition) in the units of CONDITIONS.
        identities: (molecule,) hashes of what is written.
    """

    sequences: Sequences
    alphabet: Sequence[str]
    conditions: NDArray[np.float32]
    identities: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64]) -> Self:
        """Some of the molecules."""
        return replace(
            self,
            sequences=self.sequences.take(rows),
            conditions=self.conditions[rows],
            identities=self.identities[rows],
        )

    def in_tokens(self, vocabulary: Vocabulary) -> Self:
        """The same molecules in the codes of a vocabulary."""
        tokens = vocabulary.tokens(self.sequences, self.alphabet)
        return replace(self, sequences=tokens, alphabet=())


def computed_texts(smiles: Sequence[str]) -> Texts:
    """Texts of valid SMILES, see `writing_order.as_written`, one after the other."""
    with rdBase.BlockLogs():
        read = [Chem.MolFromSmiles(text) for text in smiles]
    conditions = [conditions_of(molecule) for molecule in read]
    return Texts(
        *write_all(smiles),
        np.array(conditions, np.float32).reshape(-1, len(CONDITIONS)),
        np.array([identity(constitution_of(molecule)) for molecule in read], np.int64),
    )


def store_texts(smiles: Sequence[str], folder: Path) -> Path:
    """Write texts unless they are there; where they are kept."""
    versions = [_FORMAT, rdkit.__version__, metadata.version("selfies")]
    path = cache_path(folder, "texts", [versions, list(CONDITIONS), *smiles])
    if not path.exists():
        texts = computed_texts(smiles)
        arrays = {**vars(texts.sequences), "conditions": texts.conditions}
        arrays["identities"] = texts.identities
        with atomic_path(path) as temporary:
            save_file(arrays, temporary, metadata={"alphabet": json.dumps(texts.alphabet)})
    return path


def open_texts(path: Path) -> Texts:
    """Map texts into memory, read-only."""
    arrays, header = map_arrays(path)
    sequences = Sequences(arrays["codes"], arrays["start"], arrays["state"])
    alphabet = json.loads(header["alphabet"])
    return Texts(sequences, alphabet, arrays["conditions"], arrays["identities"])
