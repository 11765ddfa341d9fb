"""The simulated atmosphere that the contestants learn, as plain arrays.

780 states 6 h apart to train on, then after gaps of 10 days a stretch to choose settings
on and one to report on. Fields are read without this project, so that contestants of
other environments see the same numbers.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

DAYS, SPINUP = 345, 120
HOURS = 6
TRAIN = slice(0, 780)
VALID, TEST = slice(820, 1020), slice(1060, 1381)  # 50 and 80 days


@dataclass(frozen=True)
class Atmosphere:
    """All fields and their statistics over the training states.

    Attributes:
        fields: (time, channel, lat, lon) physical; upper-air channels first, by variable,
            then by level.
        names: of channels, such as `z500`.
        levels: hPa, in the order of channels of one variable.
        lat, lon: degrees.
        orography: (lat, lon) surface geopotential.
        mean, std, change: (channel, 1, 1); `change` is the standard deviation of the change
            over 6 h.
        area: (lat, 1) weights with mean one.
    """

    fields: Tensor
    names: tuple[str, ...]
    levels: tuple[float, ...]
    lat: Tensor
    lon: Tensor
    orography: Tensor
    mean: Tensor
    std: Tensor
    change: Tensor
    area: Tensor

    @classmethod
    def load(cls, folder: Path) -> "Atmosphere":
        """Read what `make` wrote."""
        facts = json.loads((folder / "atmosphere.json").read_text())
        fields = torch.from_numpy(np.load(folder / "fields.npy"))
        train = fields[TRAIN].double()
        kept = {"dim": (0, 2, 3), "keepdim": True}
        lat = torch.tensor(facts["lat"], dtype=torch.float64)
        edges = torch.cat([lat.new_tensor([90.0]), (lat[1:] + lat[:-1]) / 2, lat.new_tensor([-90])])
        area = torch.deg2rad(edges).sin().diff().neg()
        return cls(
            fields=fields,
            names=tuple(facts["names"]),
            levels=tuple(facts["levels"]),
            lat=lat,
            lon=torch.tensor(facts["lon"], dtype=torch.float64),
            orography=torch.tensor(facts["orography"]),
            mean=train.mean(**kept)[0].float(),
            std=train.std(**kept)[0].float(),
            change=train.diff(dim=0).std(**kept)[0].float(),
            area=(area / area.mean())[:, None].float(),
        )

    @property
    def static(self) -> Tensor:
        """(3, lat, lon): orography, sine and cosine of latitude, of order one."""
        height = (self.orography - self.orography.mean()) / self.orography.std()
        lat = torch.deg2rad(self.lat)[:, None].expand(self.orography.shape)
        return torch.stack([height, lat.sin(), lat.cos()]).float()


def opened(folder: Path) -> Atmosphere:
    """The atmosphere of a folder, made there first if it is not."""
    require(folder)
    return Atmosphere.load(folder)


def require(folder: Path) -> None:
    """Make the atmosphere where it is not there."""
    if not (folder / "atmosphere.json").exists():
        make(folder)


def make(folder: Path) -> None:
    """Simulate, and write `fields.npy` and `atmosphere.json`; needs this project."""
    from weather.files.reanalysis import open_reanalysis
    from weather.simulation.simulate import Simulation, simulate

    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "simulation.nc"
    if not source.exists():
        simulate(Simulation(days=DAYS, spinup=SPINUP, truncation=21, every=HOURS), source)
    dataset = open_reanalysis([source])
    levels = [float(level) for level in dataset["level"].values]
    upper = ("z", "t", "u", "v")
    parts = [dataset[name].transpose("time", "level", "lat", "lon").values for name in upper]
    parts += [dataset[name].values[:, None] for name in ("msl", "sp")]
    np.save(folder / "fields.npy", np.concatenate(parts, axis=1, dtype=np.float32))
    facts = {
        "names": [f"{name}{level:g}" for name in upper for level in levels] + ["msl", "sp"],
        "levels": levels,
        "lat": dataset["lat"].values.tolist(),
        "lon": dataset["lon"].values.tolist(),
        "orography": dataset["z_surface"].values.tolist(),
    }
    (folder / "atmosphere.json").write_text(json.dumps(facts))
