"""Encoders ready for use: SMILES in, one row of numbers for each out."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Self, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from molecules.choices import Precision
from molecules.features.coordinates import Positions
from molecules.features.data import MoleculeData
from molecules.features.features import Featurized, Status
from molecules.features.standardize import standardized
from molecules.features.store import CHUNK
from molecules.models.model import ENCODER, Encoder, EncoderModel, ModelConfig
from molecules.models.shipped import weights_path
from molecules.molecule import MoleculeBatch
from molecules.prediction.prediction import Embedding
from molecules.prediction.reading import (
    ReadingConfig,
    encode,
    sees_conformers,
    similar_sizes,
    texts_of,
    with_remarks,
)
from sciml.config import parse_config
from sciml.errors import InputError
from sciml.machine import require_device
from sciml.model_file import load_state, read_model_file

Array = NDArray[np.float64]


class Embedder:
    """Vectors of molecules, those of all its encoders side by side.

    Args:
        config: how molecules are read.
        encoders: one or several.
        precision: of the encoders.

    Raises:
        InputError: another precision.
    """

    def __init__(
        self, config: ReadingConfig, encoders: Sequence[Encoder], precision: Precision = "float32"
    ) -> None:
        if precision not in get_args(Precision):
            expected = " or ".join(get_args(Precision))
            raise InputError(f"precision is {precision!r}; expected {expected}")
        self.config = config
        self.encoders = [encoder.eval() for encoder in encoders]
        self.precision = precision

    @classmethod
    def load(cls, path: Path | str, device: str = "cpu", precision: Precision = "float32") -> Self:
        """Read what `molecules pretrain` wrote, or weights that the package ships.

        Args:
            path: a file, or the name `base`.
            device: where to compute.
            precision: see `Embedder`.

        Raises:
            InputError: neither, or no encoder; a GPU that is not there.
        """
        require_device(device)
        path = weights_path(Path(path))
        data, _, tensors = read_model_file(path, ENCODER, "molecules pretrain")
        config = ReadingConfig(model=parse_config(ModelConfig, data, str(path)))
        model = EncoderModel(config.model)
        load_state(model, tensors, path)
        return cls(config, [model.encoder.to(device)], precision)

    @property
    def makes_conformers(self) -> bool:
        """Whether it sees conformers, and makes them itself."""
        return sees_conformers(self.config.model) and self.config.coordinates == "made"

    @property
    def device(self) -> torch.device:
        """Where the encoders are."""
        return next(self.encoders[0].parameters()).device

    def embed(
        self,
        smiles: Iterable[str | None],
        batch_size: int = 128,
        cache: Path | None = None,
        positions: Positions | None = None,
    ) -> Embedding:
        """Vectors of every row; of a row that holds no usable molecule NaN, and why.

        Args:
            smiles: one per row, None or blank where there is none.
            batch_size: molecules computed at once; does not change the result.
            cache: folder that keeps graphs and conformers between calls.
            positions: row -> (atom, 3) Å in the order of its SMILES, for a model that
                learned from such; one that learned from made conformers makes them.
        """
        texts = texts_of(smiles)
        dim = sum(encoder.dim for encoder in self.encoders)
        return Embedding(*self._run(texts, batch_size, self._vectors, dim, cache, positions))

    def standardized(self, smiles: Sequence[str | None]) -> list[str]:
        """SMILES, also of InChI, in the form that the model was trained on."""
        return standardized(texts_of(smiles), self.config.standardize)

    def read(
        self,
        smiles: Sequence[str | None],
        fingerprints: bool = False,
        cache: Path | None = None,
        positions: Positions | None = None,
    ) -> tuple[list[str], Featurized, MoleculeData]:
        """Molecules as the model reads them.

        Args:
            smiles: one per row.
            fingerprints: count Morgan environments also for a model that does not.
            cache: folder that keeps graphs and conformers between calls.
            positions: as of `embed`.

        Returns:
            The standardized SMILES, whose atoms the graphs have in their order; what became
            of every row; and the graphs of the usable ones, with conformers if the model
            sees them. A row that lacks its conformer, or is no whole molecule, says so.
        """
        texts = self.standardized(smiles)
        featurized, data = encode(texts, self.config, fingerprints, cache, positions)
        return texts, with_remarks(smiles, featurized), data

    def _vectors(self, batch: MoleculeBatch) -> Tensor:
        return torch.cat([vectors.double() for vectors in self._encoded(batch)], dim=1)

    def _encoded(self, batch: MoleculeBatch) -> list[Tensor]:
        """Each encoder's vectors; what follows is not computed in bfloat16."""
        if self.precision == "float32":
            return [encoder(batch) for encoder in self.encoders]
        with torch.autocast(self.device.type, torch.bfloat16):
            return [encoder(batch).float() for encoder in self.encoders]

    @torch.inference_mode()
    def _run(
        self,
        smiles: Sequence[str | None],
        batch_size: int,
        compute: Callable[[MoleculeBatch], Tensor],
        columns: int,
        cache: Path | None,
        positions: Positions | None = None,
        fingerprints: bool = False,
        finish: Callable[[Array, Sequence[str], MoleculeData], Array] | None = None,
    ) -> tuple[Array, list[Status], list[str]]:
        """Rows of `columns` numbers: `compute` of batches, then `finish` of a chunk of them."""
        if batch_size < 1:
            raise InputError(f"batch_size is {batch_size}; expected at least 1")
        result = np.full((len(smiles), columns), np.nan)
        status: list[Status] = []
        reason: list[str] = []
        for start in range(0, len(smiles), CHUNK):
            part = slice(start, start + CHUNK)
            own = {row - start: place for row, place in (positions or {}).items()}
            texts, featurized, data = self.read(smiles[part], fingerprints, cache, own)
            if len(data):
                values = self._computed(data, batch_size, compute)
                if finish is not None:
                    values = finish(values, [texts[row] for row in featurized.rows], data)
                result[start + featurized.rows] = values
            status += featurized.status
            reason += featurized.reason
        return result, status, reason

    def _computed(
        self, data: MoleculeData, batch_size: int, compute: Callable[[MoleculeBatch], Tensor]
    ) -> Array:
        order, parts = [], []
        for rows in similar_sizes(data, batch_size):
            order.append(rows)
            parts.append(compute(data.__getitems__(rows).to(self.device)).cpu().numpy())
        values = np.concatenate(parts).astype(np.float64)
        values[np.concatenate(order)] = values.copy()
        return values
