"""A trained model ready for use: SMILES in, one prediction for every row out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from molecules.features.conformers import conformers
from molecules.features.data import MoleculeData
from molecules.features.features import MAX_ATOMS, Featurized, Status
from molecules.features.standardize import Standardization, standardized
from molecules.features.store import CHUNK, stored_featurize
from molecules.models.model import ModelConfig, PropertyModel
from molecules.molecule import MoleculeBatch
from molecules.prediction.calibration import Calibration
from molecules.tasks import Tasks
from sciml.config import Config, parse_config
from sciml.model_file import load_state, read_model_file, save_model
from sciml.transformer import WindowTransformerConfig

KIND = "molecules.predictor"

Array = NDArray[np.float64]


class PredictorConfig(Config):
    """What builds a `PropertyPredictor` anew.

    Attributes:
        model: of each member.
        tasks: what is predicted.
        members: models whose predictions are averaged.
        max_atoms: larger molecules get the status `too_large`.
        conformer_seed: of the conformers, for a model that sees them.
        standardize: what is done to a molecule before the model sees it.
    """

    model: ModelConfig
    tasks: Tasks
    members: int = Field(1, ge=1)
    max_atoms: int = Field(MAX_ATOMS, ge=1)
    conformer_seed: int = 0
    standardize: Standardization = "off"


@dataclass(frozen=True)
class Prediction:
    """One row for each input row, in its order.

    Attributes:
        tasks: names, kinds and units of the columns.
        mean: (row, task) in the unit of the task, or the probability of 1; NaN where
            the status is not `ok`.
        lower, upper: (row, task), ends of the interval.
        status, reason: one per row; a row that is `ok` can have a reason to doubt it.
    """

    tasks: Tasks
    mean: Array
    lower: Array
    upper: Array
    status: list[Status]
    reason: list[str]

    def __len__(self) -> int:
        return len(self.status)


@dataclass(frozen=True)
class Embedding:
    """One vector for each input row, in its order.

    Attributes:
        vectors: (row, members * dim); NaN where the status is not `ok`.
        status, reason: one per row.
    """

    vectors: Array
    status: list[Status]
    reason: list[str]


class PropertyPredictor:
    """Predicts properties of molecules with an ensemble of models.

    Args:
        config: see `PredictorConfig`.
        members: the models.
        calibrations: one per task; none gives unbounded intervals.
        metadata: what else the file holds: data fingerprint, scores, ...
    """

    def __init__(
        self,
        config: PredictorConfig,
        members: Sequence[PropertyModel],
        calibrations: Sequence[Calibration] = (),
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self.config = config
        self.members = [member.eval() for member in members]
        self.calibrations = list(calibrations) or [Calibration() for _ in config.tasks.names]
        self.metadata = metadata or {}

    @property
    def tasks(self) -> Tasks:
        """What is predicted."""
        return self.config.tasks

    @classmethod
    def load(cls, path: Path | str, device: str = "cpu") -> Self:
        """Read a model file that `save` wrote.

        Raises:
            InputError: no such file, or not a property model.
        """
        data, metadata, tensors = read_model_file(path, KIND)
        config = parse_config(PredictorConfig, data, str(path))
        members = [PropertyModel(config.model, config.tasks) for _ in range(config.members)]
        load_state(_as_module(members), tensors, path)
        calibrations = [
            parse_config(Calibration, entry, str(path)) for entry in metadata["calibrations"]
        ]
        return cls(config, [member.to(device) for member in members], calibrations, metadata)

    def save(self, path: Path | str) -> None:
        """Write everything as one file."""
        calibrations = [entry.model_dump(mode="json") for entry in self.calibrations]
        metadata = {**self.metadata, "calibrations": calibrations}
        save_model(path, _as_module(self.members), KIND, self.config, metadata)

    def predict(
        self, smiles: Sequence[str | None], batch_size: int = 256, cache: Path | None = None
    ) -> Prediction:
        """Predict every row.

        Args:
            smiles: one per row, None or blank where there is none.
            batch_size: molecules computed at once; does not change the result.
            cache: folder that keeps graphs and conformers between calls.
        """
        mean, status, reason = self._run(smiles, batch_size, self._mean, len(self.tasks), cache)
        ends = [
            calibration.interval(task.kind, column)
            for calibration, task, column in zip(
                self.calibrations, self.tasks.tasks, mean.T, strict=True
            )
        ]
        lower = np.column_stack([low for low, _ in ends])
        upper = np.column_stack([high for _, high in ends])
        absent = np.isnan(mean)
        lower[absent], upper[absent] = np.nan, np.nan
        return Prediction(self.tasks, mean, lower, upper, status, reason)

    def embed(
        self, smiles: Sequence[str | None], batch_size: int = 256, cache: Path | None = None
    ) -> Embedding:
        """Vectors of the encoder; arguments as of `predict`."""
        dim = sum(member.encoder.dim for member in self.members)
        return Embedding(*self._run(smiles, batch_size, self._vectors, dim, cache))

    def _mean(self, batch: MoleculeBatch) -> Tensor:
        predictions = [member.predict(batch).double() for member in self.members]
        return torch.stack(predictions).mean(0)

    def _vectors(self, batch: MoleculeBatch) -> Tensor:
        return torch.cat([member.encoder(batch).double() for member in self.members], dim=1)

    @torch.inference_mode()
    def _run(
        self,
        smiles: Sequence[str | None],
        batch_size: int,
        compute: Any,
        columns: int,
        cache: Path | None,
    ) -> tuple[Array, list[Status], list[str]]:
        device = next(self.members[0].parameters()).device
        result = np.full((len(smiles), columns), np.nan)
        status: list[Status] = []
        reason: list[str] = []
        for start in range(0, len(smiles), CHUNK):
            chunk = standardized(smiles[start : start + CHUNK], self.config.standardize)
            featurized = stored_featurize(
                chunk, self.config.max_atoms, self.config.model.fingerprint, cache
            )
            data, failed = self._data(featurized, chunk, cache)
            for rows in _similar_sizes(data, batch_size):
                values = compute(data.__getitems__(rows).to(device))
                result[start + featurized.rows[rows]] = values.cpu().numpy()
            status += featurized.status
            reason += [failed.get(i, why) for i, why in enumerate(featurized.reason)]
        return result, status, reason

    def _data(
        self, featurized: Featurized, smiles: Sequence[str | None], cache: Path | None
    ) -> tuple[MoleculeData, dict[int, str]]:
        """What the model sees, and which rows lack a conformer that it would like to see."""
        positions, failed = None, {}
        if sees_conformers(self.config.model):
            usable = [smiles[row] or "" for row in featurized.rows]
            made = conformers(usable, self.config.conformer_seed, cache=cache)
            positions = made.positions
            failed = {
                int(row): f"predicted without a conformer: {why}"
                for row, why in zip(featurized.rows, made.reason, strict=True)
                if why
            }
        data = MoleculeData(
            featurized.packed,
            np.arange(len(featurized.packed)),
            positions=positions,
            fingerprints=featurized.fingerprints,
        )
        return data, failed


def sees_conformers(config: ModelConfig) -> bool:
    """Whether a model's input includes positions."""
    return isinstance(config.backbone, WindowTransformerConfig) and config.geometry != "graph"


def _similar_sizes(data: MoleculeData, batch_size: int) -> Iterator[NDArray[np.int64]]:
    """Rows of each batch; molecules of similar size go together, which saves padding."""
    order = np.argsort(np.diff(data.packed.atom_start), kind="stable")
    for first in range(0, len(order), batch_size):
        yield order[first : first + batch_size]


def _as_module(members: Sequence[PropertyModel]) -> nn.Module:
    """One model under its own names, so that others can start from it; several numbered."""
    return members[0] if len(members) == 1 else nn.ModuleDict({"members": nn.ModuleList(members)})
