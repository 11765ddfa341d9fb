"""A trained model ready for use: SMILES in, one prediction for every row out."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

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
from molecules.prediction.domain import Domain
from molecules.prediction.prediction import Prediction
from molecules.tasks import Tasks
from sciml.config import Config, parse_config
from sciml.model_file import load_state, read_model_file, save_model
from sciml.transformer import WindowTransformerConfig

if TYPE_CHECKING:
    import pandas as pd

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

    @property
    def device(self) -> torch.device:
        """Where the members are."""
        return next(self.members[0].parameters()).device

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

    @cached_property
    def domain(self) -> Domain | None:
        """Where the model's knowledge ends; None if its file does not tell."""
        return Domain.read(self.metadata)

    def predict(
        self,
        smiles: Sequence[str | None],
        batch_size: int = 256,
        domain: bool = True,
        cache: Path | None = None,
    ) -> Prediction:
        """Predict every row.

        Args:
            smiles: one per row, None, NaN or blank where there is none; also a column of a
                table.
            batch_size: molecules computed at once; does not change the result.
            domain: also tell how near each molecule is to the training set, where the
                model file knows that; costs as much as half a parse.
            cache: folder that keeps graphs and conformers between calls.
        """
        smiles = [_text(cell) for cell in smiles]
        tasks, domain = len(self.tasks), domain and self.domain is not None
        told, status, reason = self._run(
            smiles, batch_size, partial(self._told, domain=domain), 2 * tasks + 2, cache, domain
        )
        mean, spread = told[:, :tasks], told[:, tasks : 2 * tasks]
        lower, upper, sets = self._calibrated(mean, spread)
        return Prediction(
            tasks=self.tasks,
            smiles=smiles,
            mean=mean,
            lower=lower,
            upper=upper,
            sets=sets,
            status=status,
            reason=reason,
            spread=spread if len(self.members) > 1 else None,
            similarity=told[:, -2] if domain else None,
            distance=told[:, -1] if domain else None,
        )

    def predict_frame(self, frame: "pd.DataFrame", smiles: str | None = None) -> "pd.DataFrame":
        """A table with the columns of `Prediction.columns` behind its own, and its index.

        Args:
            frame: one molecule per row.
            smiles: column with the SMILES; found by its name or content if None.

        Raises:
            InputError: there is no such column.
        """
        from molecules.files.recognize import find_smiles_column, require_columns
        from molecules.prediction.annotate import beside

        if smiles is not None:
            require_columns(frame, [smiles], "the table")
        column = smiles or find_smiles_column(frame, "the table")
        return beside(frame, self.predict(frame[column].tolist()))

    def embed(
        self, smiles: Sequence[str | None], batch_size: int = 256, cache: Path | None = None
    ) -> Embedding:
        """Vectors of the encoder; arguments as of `predict`."""
        dim = sum(member.encoder.dim for member in self.members)
        return Embedding(*self._run(smiles, batch_size, self._vectors, dim, cache))

    def mean(self, batch: MoleculeBatch) -> Tensor:
        """Average of the members' predictions, (molecule, task); can be differentiated."""
        return torch.stack([member.predict(batch).double() for member in self.members]).mean(0)

    def _told(self, batch: MoleculeBatch, domain: bool) -> Tensor:
        """(molecule, 2 * task + 2): mean, spread, similarity and distance side by side."""
        vectors = [member.encoder(batch) for member in self.members]
        predictions = torch.stack(
            [
                member.head.denormalize(member.head(vector)).double()
                for member, vector in zip(self.members, vectors, strict=True)
            ]
        )
        mean = predictions.mean(0)
        spread = predictions.std(0) if len(self.members) > 1 else torch.full_like(mean, torch.nan)
        near = mean.new_full((len(mean), 2), torch.nan)
        if domain:
            near = self._near(batch, torch.cat(vectors, dim=1)).to(mean)
        return torch.cat([mean, spread, near], dim=1)

    def _near(self, batch: MoleculeBatch, vectors: Tensor) -> Tensor:
        assert self.domain is not None
        assert batch.fingerprint is not None
        bits = np.packbits((batch.fingerprint > 0).cpu().numpy(), axis=1)
        distance = self.domain.latent.distance(vectors.double().cpu().numpy())
        return torch.from_numpy(np.column_stack([self.domain.similarity(bits), distance]))

    def _calibrated(self, mean: Array, spread: Array) -> tuple[Array, Array, NDArray[np.str_]]:
        """Ends of the intervals and conformal sets, (row, task) each."""
        lower, upper = np.full_like(mean, np.nan), np.full_like(mean, np.nan)
        sets = np.full(mean.shape, "", dtype="<U8")
        told = np.isfinite(mean).all(axis=1)
        for column, (task, calibration) in enumerate(
            zip(self.tasks.tasks, self.calibrations, strict=True)
        ):
            values = mean[told, column]
            lower[told, column], upper[told, column] = calibration.interval(
                task.kind, values, spread[told, column]
            )
            if task.kind == "binary":
                sets[told, column] = calibration.sets(values)
        return lower, upper, sets

    def _vectors(self, batch: MoleculeBatch) -> Tensor:
        return torch.cat([member.encoder(batch).double() for member in self.members], dim=1)

    @torch.inference_mode()
    def _run(
        self,
        smiles: Sequence[str | None],
        batch_size: int,
        compute: Callable[[MoleculeBatch], Tensor],
        columns: int,
        cache: Path | None,
        fingerprints: bool = False,
    ) -> tuple[Array, list[Status], list[str]]:
        result = np.full((len(smiles), columns), np.nan)
        status: list[Status] = []
        reason: list[str] = []
        for start in range(0, len(smiles), CHUNK):
            chunk = smiles[start : start + CHUNK]
            _, featurized, data = self.read(chunk, fingerprints, cache)
            for rows in _similar_sizes(data, batch_size):
                values = compute(data.__getitems__(rows).to(self.device))
                result[start + featurized.rows[rows]] = values.cpu().numpy()
            status += featurized.status
            reason += featurized.reason
        return result, status, reason

    def standardized(self, smiles: Sequence[str | None]) -> list[str]:
        """SMILES in the form that the model was trained on."""
        return standardized(smiles, self.config.standardize)

    def read(
        self,
        smiles: Sequence[str | None],
        fingerprints: bool = False,
        cache: Path | None = None,
    ) -> tuple[list[str], Featurized, MoleculeData]:
        """Molecules as the model reads them.

        Args:
            smiles: one per row.
            fingerprints: count Morgan environments also for a model that does not.
            cache: folder that keeps graphs and conformers between calls.

        Returns:
            The standardized SMILES, whose atoms the graphs have in their order; what became
            of every row; and the graphs of the usable ones, with conformers if the model
            sees them. A row that lacks its conformer says so.
        """
        texts = self.standardized(smiles)
        counted = fingerprints or self.config.model.fingerprint
        featurized = stored_featurize(texts, self.config.max_atoms, counted, cache)
        positions = None
        if sees_conformers(self.config.model):
            usable = [texts[row] for row in featurized.rows]
            made = conformers(usable, self.config.conformer_seed, cache=cache)
            positions, reason = made.positions, list(featurized.reason)
            for row, why in zip(featurized.rows, made.reason, strict=True):
                if why:
                    reason[row] = f"predicted without a conformer: {why}"
            featurized = replace(featurized, reason=reason)
        data = MoleculeData(
            featurized.packed,
            np.arange(len(featurized.packed)),
            positions=positions,
            fingerprints=featurized.fingerprints,
        )
        return texts, featurized, data


def _text(cell: object) -> str | None:
    """A cell as text; None for what pandas takes as missing."""
    text = str(cell)
    return None if text in ("None", "nan", "<NA>") else text


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
