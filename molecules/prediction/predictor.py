"""A trained model ready for use: SMILES in, one prediction for every row out."""

from collections.abc import Iterable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from molecules.choices import Precision
from molecules.evaluation.similarity import Fingerprints, from_text
from molecules.experts.expert import Expert
from molecules.experts.inputs import Inputs
from molecules.features.coordinates import Positions
from molecules.features.data import MoleculeData
from molecules.models.model import PropertyModel
from molecules.molecule import MoleculeBatch
from molecules.prediction.answers import answers, intervals
from molecules.prediction.calibration import Calibration
from molecules.prediction.domain import Domain
from molecules.prediction.embedder import Embedder
from molecules.prediction.prediction import Prediction
from molecules.prediction.predictor_file import Parts, PredictorConfig, read_parts, write_parts
from molecules.prediction.reading import texts_of
from molecules.prediction.training_set import TrainingSet
from molecules.tasks import Tasks
from sciml.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

DEVIATION = "label_deviation"  # (task,) of the measured values, in a file's metadata
_LIMITS = "label_limits"  # quantity -> see `label_limits`, likewise

Array = NDArray[np.float64]


class PropertyPredictor(Embedder):
    """Predicts properties of molecules: a weighted mean of networks and other experts.

    Args:
        config: see `PredictorConfig`.
        members: the networks, whose mean counts as one expert.
        calibrations: one per task; none gives unbounded intervals.
        metadata: what else the file holds: data fingerprint, scores, ...
        others: the experts `config.beside`.
        weights: (1 + others, task), the networks' first; their sum is one. None without others.
        precision: of the networks' encoders in `predict` and `embed`.
    """

    config: PredictorConfig

    def __init__(
        self,
        config: PredictorConfig,
        members: Sequence[PropertyModel],
        calibrations: Sequence[Calibration] = (),
        metadata: dict[str, Any] | None = None,
        others: Sequence[Expert] = (),
        weights: Array | None = None,
        precision: Precision = "float32",
    ) -> None:
        super().__init__(config, [member.encoder for member in members], precision)
        self.members = [member.eval() for member in members]
        self.others = list(others)
        self.weights = np.ones((1, len(config.tasks))) if weights is None else weights
        self.calibrations = list(calibrations) or [Calibration() for _ in config.tasks.names]
        self.metadata = metadata or {}

    @property
    def tasks(self) -> Tasks:
        """What is predicted."""
        return self.config.tasks

    @classmethod
    def load(cls, path: Path | str, device: str = "cpu", precision: Precision = "float32") -> Self:
        """Read a model file that `save` wrote.

        Raises:
            InputError: no such file, or not a property model.
        """
        return cls(*read_parts(path, device), precision)

    def save(self, path: Path | str) -> None:
        """Write everything as one file."""
        made = self.config, self.members, self.calibrations, self.metadata
        write_parts(path, Parts(*made, self.others, self.weights))

    @property
    def scales(self) -> Array:
        """(task,) standard deviation of the measured values; 1 for a probability.

        Of a quantity learned as a logarithm, that of a lognormal distribution with the mean m
        and deviation s of its logarithms: exp(m + s^2 / 2) sqrt(exp(s^2) - 1). Of a sum over
        atoms, whose normalizer knows what the elements leave over, as the file tells; a file
        that does not has it of the molecules that it keeps.
        """
        if self.config.model.pooling == "extensive":
            told = self.metadata.get(DEVIATION)
            if told is not None:
                return np.array(told)
            if self.training_set is not None:
                return np.nanstd(self.training_set.labels, axis=0)
        normalizer = self.members[0].head.normalizer
        mean, std = (part.double().cpu().numpy() for part in (normalizer.mean, normalizer.std))
        m, s = (np.where(self.tasks.logarithmic, part, 0.0) for part in (mean, std))
        lognormal = np.exp(m + s**2 / 2) * np.sqrt(np.expm1(s**2))
        return np.where(self.tasks.logarithmic, lognormal, std)

    @property
    def learned_scales(self) -> Array:
        """(task,) as `scales`, but of a quantity learned as a logarithm that of its logarithms."""
        if self.config.model.pooling == "extensive":
            return self.scales
        std = self.members[0].head.normalizer.std.double().cpu().numpy()
        return np.where(self.tasks.logarithmic, std, self.scales)

    @property
    def limits(self) -> Array:
        """(2, task) of what each model may say, see `label_limits`; none in files of before."""
        told = self.metadata.get(_LIMITS, {})
        return np.array([told.get(name, (-np.inf, np.inf)) for name in self.tasks.names]).T

    def limit(self, limits: Array) -> None:
        """Keep what each model may say, (2, task), for the file too; see `limits`."""
        ends = zip(self.tasks.names, limits.T.tolist(), strict=True)
        self.metadata[_LIMITS] = {name: told for name, told in ends if np.isfinite(told).all()}

    @cached_property
    def known(self) -> Fingerprints | None:
        """Fingerprints of the training set, (molecule, 256); None if the file keeps none."""
        text = self.metadata.get("training_fingerprints")
        return None if text is None else from_text(text)

    @cached_property
    def training_set(self) -> TrainingSet | None:
        """The measured molecules that the file keeps."""
        return TrainingSet.read(self.metadata)

    @cached_property
    def domain(self) -> Domain | None:
        """Where the model's knowledge ends; None if its file does not tell."""
        return Domain.read(self.metadata)

    def predict(
        self,
        smiles: Iterable[str | None],
        batch_size: int = 128,
        domain: bool = True,
        cache: Path | None = None,
        positions: Positions | None = None,
    ) -> Prediction:
        """Predict every row.

        Args:
            smiles: one per row, None, NaN or blank where there is none; also a column of a
                table.
            batch_size: molecules computed at once; does not change the result.
            domain: also tell how near each molecule is to the training set, where the
                model file knows that; takes some 50 µs for each thousand of its molecules.
            cache: folder that keeps graphs and conformers between calls.
            positions: row -> (atom, 3) Å in the order of its SMILES, for a model that
                learned from such; one that learned from made conformers makes them.
        """
        texts = texts_of(smiles)
        tasks, domain = len(self.tasks), domain and self.domain is not None
        told, status, reason = self._run(
            texts,
            batch_size,
            partial(self._told, domain=domain),
            4 * tasks + 2,
            cache,
            positions,
            fingerprints=domain or bool(self.others),
            finish=self._together,
        )
        mean, spread, *signs = np.split(told[:, :-2], 4, axis=1)
        lower, upper, sets = intervals(
            mean, np.stack(signs, axis=-1), self.tasks, self.calibrations
        )
        mean, lower, upper = (self.tasks.in_units(part) for part in (mean, lower, upper))
        several = len(self.members) + len(self.others) > 1
        return Prediction(
            tasks=self.tasks,
            smiles=texts,
            mean=mean,
            lower=lower,
            upper=upper,
            sets=sets,
            status=status,
            reason=reason,
            spread=spread * self.tasks.slope(mean) if several else None,
            similarity=told[:, -2] if domain else None,
            distance=told[:, -1] if domain else None,
        )

    def predict_frame(self, frame: "pd.DataFrame", smiles: str | None = None) -> "pd.DataFrame":
        """A table with the columns of `Prediction.columns` behind its own, and its index.

        Args:
            frame: one molecule per row.
            smiles: column with the SMILES; found by its name or content if None.

        Raises:
            InputError: there is no such column, or one comes twice.
        """
        from molecules.files.recognize import find_smiles_column, require_columns
        from molecules.prediction.annotate import beside

        if not frame.columns.is_unique:
            twice = frame.columns[frame.columns.duplicated()][0]
            raise InputError(f"the table has the column {twice!r} twice; rename one")
        if smiles is not None:
            require_columns(frame, [smiles], "the table")
        column = smiles or find_smiles_column(frame, "the table")
        return beside(frame, self.predict(frame[column].tolist()))

    def network_mean(self, batch: MoleculeBatch) -> Tensor:
        """What the networks predict, (molecule, task); can be differentiated.

        In units, and their mean where it is learned: of logarithms a geometric one.
        """
        told = torch.stack([member.predict(batch).double() for member in self.members])
        logarithmic = torch.from_numpy(self.tasks.logarithmic).to(told.device)
        if not logarithmic.any():
            return told.mean(0)
        logs = torch.where(logarithmic, told.clamp(min=torch.finfo(told.dtype).tiny), 1.0).log()
        return torch.where(logarithmic, logs.mean(0).exp(), told.mean(0))

    def _told(self, batch: MoleculeBatch, domain: bool) -> Tensor:
        """(molecule, member * task + 2): the networks' predictions, similarity and distance."""
        vectors = self._encoded(batch)
        predictions = [
            member.head.denormalize(member.head(vector, batch)).double()
            for member, vector in zip(self.members, vectors, strict=True)
        ]
        near = predictions[0].new_full((len(vectors[0]), 2), torch.nan)
        if domain:
            near = self._near(batch, torch.cat(vectors, dim=1)).to(near)
        return torch.cat([*predictions, near], dim=1)

    def _together(self, told: Array, smiles: Sequence[str], data: MoleculeData) -> Array:
        """(molecule, 4 * task + 2): mean, spread, two signs of doubt, and nearness."""
        networks = told[:, :-2].reshape(len(told), len(self.members), len(self.tasks))
        inputs = None
        if self.others:
            assert data.fingerprints is not None
            inputs = Inputs.of(smiles, data.fingerprints)
        learned = self.tasks.learned(networks)
        mean, spread, signs = answers(
            learned, self.others, self.weights, self.tasks, inputs, self.limits
        )
        return np.concatenate([mean, spread, *np.moveaxis(signs, -1, 0), told[:, -2:]], axis=1)

    def _near(self, batch: MoleculeBatch, vectors: Tensor) -> Tensor:
        assert self.domain is not None
        assert batch.fingerprint is not None
        bits = np.packbits((batch.fingerprint > 0).cpu().numpy(), axis=1)
        distance = self.domain.latent.distance(vectors.double().cpu().numpy())
        return torch.from_numpy(np.column_stack([self.domain.similarity(bits), distance]))
