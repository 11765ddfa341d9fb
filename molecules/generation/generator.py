"""A trained generator ready for use: molecules to points in latent space, and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from rdkit import Chem
from torch import Tensor

from molecules.features.conditions import CONDITIONS, conditions_of
from molecules.features.data import MoleculeData
from molecules.features.features import featurize
from molecules.features.selfies import constitution, identity
from molecules.features.writing_order import as_written
from molecules.models.generator import GENERATOR, GeneratorConfig, GraphToSelfies
from molecules.models.shipped import weights_path
from sciml.config import nearest, parse_config
from sciml.errors import InputError
from sciml.model_file import load_state, read_model_file

MAKER = "molecules pretrain --config generator"
_BATCH = 512
_LOOSE = 0.5  # how much properties change, over how much the latent point does
_ALIKE = 0.25  # standard deviations within which known molecules are like what is asked for


@dataclass(frozen=True)
class Points:
    """Where molecules are, or might be.

    Attributes:
        latent: (point, slot, channel), see `models.latent_space`.
        conditions: (point, condition) in the units of CONDITIONS.
        atoms: (point,) slots that stand for an atom.
    """

    latent: Tensor
    conditions: Tensor
    atoms: Tensor

    def __len__(self) -> int:
        return len(self.latent)

    def __getitem__(self, rows: Sequence[int] | Tensor | slice) -> "Points":
        return Points(self.latent[rows], self.conditions[rows], self.atoms[rows])

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """The points of all parts, in order."""
        return cls(
            torch.cat([part.latent for part in parts]),
            torch.cat([part.conditions for part in parts]),
            torch.cat([part.atoms for part in parts]),
        )


def between(ends: Points, number: int) -> Points:
    """Points on the way from the first to the second of two, both ends among them."""
    return crossed(ends[[0] * number], ends[[1] * number], torch.linspace(0, 1, number))


def crossed(first: Points, second: Points, share: Tensor) -> Points:
    """The beginning of one molecule and the end of another, in the order of writing.

    Means of two points are seldom a place where a molecule is; pieces of two are pieces of
    molecules, with the bonds between them to be found.

    Args:
        first, second: a pair for each point that is to be, as many of one as of the other.
        share: (point,) of the second's atoms, and that of the first's to be left out.
    """
    head = ((1 - share) * first.atoms).round().long()
    tail = second.atoms - ((1 - share) * second.atoms).round().long()
    head = torch.where(tail == 0, first.atoms, head)
    slots = first.latent.shape[1]
    place = torch.arange(slots)
    later = place + (second.atoms - tail - head).unsqueeze(1)
    later = later.clamp(0, slots - 1).unsqueeze(2).expand_as(second.latent)
    kept = ((place < head.unsqueeze(1)) | (tail == 0).unsqueeze(1)).unsqueeze(2)
    return Points(
        torch.where(kept, first.latent, second.latent.gather(1, later)),
        torch.lerp(first.conditions, second.conditions, share.unsqueeze(1)),
        (head + tail).clamp(max=slots),
    )


class Generator:
    """Draws new molecules, reads molecules into a latent space, and writes those of points.

    Args:
        model: trained.
        metadata: what else its file holds.
    """

    def __init__(self, model: GraphToSelfies, metadata: dict[str, Any] | None = None) -> None:
        self.model = model.eval()
        self.metadata = metadata or {}

    @property
    def room(self) -> int:
        """Atoms of the largest molecule that can be read: behind its last, a slot is empty."""
        return self.model.config.decoder.slots - 1

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read `generator.safetensors` of a pre-training, or the one that ships: `generator`.

        Raises:
            InputError: no such file, no generator, or one of an earlier version.
        """
        path = weights_path(Path(path))
        data, metadata, tensors = read_model_file(path, GENERATOR, MAKER)
        if "slots" not in data.get("decoder", {}):
            raise InputError(f"{path} was made by an earlier version; make it again with {MAKER}")
        config = parse_config(GeneratorConfig, data, str(path))
        model = GraphToSelfies(config)
        load_state(model, tensors, path)
        return cls(model, metadata)

    @torch.inference_mode()
    def read(self, smiles: Sequence[str]) -> Points:
        """Posterior means of molecules, with their properties.

        Stereochemistry and isotopes are left out before.

        Raises:
            InputError: one is no molecule, several fragments, or larger than `room`.
        """
        written = [as_written(text) for text in smiles]
        read = featurize(written, self.room)
        for text, as_read, status, reason in zip(
            smiles, written, read.status, read.reason, strict=True
        ):
            if "." in as_read:
                raise InputError(f"{text!r} is several fragments; give the one that matters")
            if status != "ok":
                reason = reason if as_read else "cannot be read as SMILES"
                raise InputError(f"{text!r} is no molecule to begin with: {reason}")
        conditions = torch.from_numpy(
            np.array([conditions_of(Chem.MolFromSmiles(text)) for text in written])
        )
        data = MoleculeData(read.packed, np.arange(len(read.packed)))
        asked = self.model.standard(conditions)
        means = [
            self.model.posterior(data.__getitems__(rows), asked[rows]).mean
            for rows in np.array_split(np.arange(len(smiles)), -(-len(smiles) // _BATCH))
        ]
        atoms = torch.from_numpy(np.diff(read.packed.atom_start))
        return Points(torch.cat(means), conditions, atoms)

    def reads(self, smiles: str) -> bool:
        """Whether `read` takes it: a single molecule, and not too large."""
        text = constitution(smiles)
        if not text or "." in text:
            return False
        return Chem.MolFromSmiles(text).GetNumAtoms() <= self.room

    @torch.inference_mode()
    def draw(
        self, number: int, wanted: Mapping[str, float], temperature: float, draws: torch.Generator
    ) -> list[str]:
        """New molecules, written from no point: canonical SMILES, see `write`.

        `read` of them are points of the prior. What is not asked for is drawn from training
        molecules, those most like what is.

        Args:
            number: of molecules.
            wanted: condition -> value, in the units of CONDITIONS.
            temperature: see `write`.
            draws: source of randomness.
        """
        standard = self.model.standard
        known = standard(self.model.known)
        names = list(CONDITIONS)
        columns = [names.index(name) for name in wanted]
        asked = torch.zeros(len(names))
        asked[columns] = torch.tensor(list(wanted.values()), dtype=torch.float32)
        apart = (known[:, columns] - standard(asked)[columns]).square().sum(1) / _ALIKE**2
        rows = torch.multinomial((-apart / 2).softmax(0), number, True, generator=draws)
        conditions = self.model.known[rows].clone()
        conditions[:, columns] = asked[columns]
        return self._written(None, conditions, temperature, draws)

    @torch.inference_mode()
    def near(self, points: Points, radius: Tensor | float, draws: torch.Generator) -> Points:
        """A neighbour of each point, at a distance of some `radius`; see `distance`.

        Its properties differ too, by half as many of their standard deviations: a molecule
        of exactly the same weight, logP and TPSA is often the same molecule.
        """
        latent, properties = (
            torch.randn(part.shape, generator=draws) for part in (points.latent, points.conditions)
        )
        away = torch.as_tensor(radius).view(-1, 1)
        return replace(
            points,
            latent=points.latent + away.unsqueeze(2) * latent,
            conditions=points.conditions + away * _LOOSE * self.model.normalizer.std * properties,
        )

    def distance(self, points: Points, origin: Points) -> NDArray[np.float64]:
        """(point,) root mean square over channels, in standard deviations of the latent space."""
        apart = points.latent - origin.latent
        return apart.square().mean((1, 2)).sqrt().double().numpy()

    @torch.inference_mode()
    def write(self, points: Points, temperature: float, draws: torch.Generator) -> list[str]:
        """Canonical SMILES of each point; empty for one that writes no atom.

        Args:
            points: to write.
            temperature: 1 draws as the model believes, lower values are safer and more
                alike, 0 takes the likeliest token each time.
            draws: source of randomness.
        """
        return self._written(points.latent, points.conditions, temperature, draws)

    def learned_from(self, smiles: Sequence[str]) -> NDArray[np.bool_]:
        """(molecule,) whether the constitution is in the training set, by a hash of 32 bits."""
        hashes = [identity(constitution(text)) for text in smiles]
        return np.isin(np.array(hashes, np.int32), self.model.seen.numpy())

    def _written(
        self,
        latent: Tensor | None,
        conditions: Tensor,
        temperature: float,
        draws: torch.Generator,
    ) -> list[str]:
        found: list[str] = []
        words = self.model.config.vocabulary
        for first in range(0, len(conditions), _BATCH):
            part = slice(first, first + _BATCH)
            point = None if latent is None else latent[part]
            asked = self.model.standard(conditions[part])
            codes = self.model.decoder.write(point, asked, temperature, draws)
            found += [words.smiles(row) for row in codes.tolist()]
        return found


def read_conditions(texts: Sequence[str]) -> dict[str, float]:
    """Conditions as a user writes them: `logP=2.5`.

    Raises:
        InputError: an unknown property, one given twice, or no number.
    """
    wanted: dict[str, float] = {}
    for text in texts:
        name, _, value = text.partition("=")
        if name not in CONDITIONS:
            hint = nearest(name, CONDITIONS) or f"; there are {', '.join(CONDITIONS)}"
            raise InputError(f"--condition {text!r}: no condition is called {name!r}{hint}")
        if name in wanted:
            raise InputError(f"--condition {name} is given twice; give it once")
        try:
            wanted[name] = float(value)
        except ValueError:
            wanted[name] = float("nan")
        if not np.isfinite(wanted[name]):
            raise InputError(f"--condition {text!r}: expected a number, as in {name}=2")
    return wanted
