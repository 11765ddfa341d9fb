"""The atmospheres that the contestants learn, as plain arrays.

Of the simulated one 780 states 6 h apart to train on, then after gaps of 10 days a stretch to
choose settings on and one to report on; `weather_series` makes the real ones. Fields are read
without this project, so that contestants of other environments see the same numbers.
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
        train, valid, test: states to learn from, to choose by and to report on.
        hours: between states.
        leads: hours ahead that are scored in the fields' units, of a real series.
        history: states that a contestant sees.
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
    train: slice
    valid: slice
    test: slice
    hours: int
    leads: tuple[int, ...]
    history: int

    @classmethod
    def load(cls, folder: Path) -> "Atmosphere":
        """Read what `make` or `weather_series.make` wrote."""
        facts = json.loads((folder / "atmosphere.json").read_text())
        fields = torch.from_numpy(np.load(folder / "fields.npy"))
        periods = dict(zip(("train", "valid", "test"), (TRAIN, VALID, TEST), strict=True))
        periods |= {name: slice(*facts[name]) for name in periods if name in facts}
        train = fields[periods["train"]].double()
        kept = {"dim": (0, 2, 3), "keepdim": True}
        lat, lon = (torch.tensor(facts[name], dtype=torch.float64) for name in ("lat", "lon"))
        return cls(
            fields=fields,
            names=tuple(facts["names"]),
            levels=tuple(facts["levels"]),
            lat=lat,
            lon=lon,
            orography=torch.tensor(facts["orography"]),
            mean=train.mean(**kept)[0].float(),
            std=train.std(**kept)[0].float(),
            change=train.diff(dim=0).std(**kept)[0].float(),
            area=row_areas(lat, is_global(lon)),
            hours=facts.get("hours", HOURS),
            leads=tuple(facts.get("leads", ())),
            history=facts.get("history", 1),
            **periods,
        )

    @property
    def whole(self) -> bool:
        """Whether the fields close around the globe."""
        return is_global(self.lon)

    @property
    def static(self) -> Tensor:
        """(3, lat, lon): orography, sine and cosine of latitude, of order one."""
        height = (self.orography - self.orography.mean()) / self.orography.std()
        lat = torch.deg2rad(self.lat)[:, None].expand(self.orography.shape)
        return torch.stack([height, lat.sin(), lat.cos()]).float()


def is_global(lon: Tensor) -> bool:
    """Whether evenly spaced longitudes go all the way round."""
    return bool((lon[1] - lon[0]) * len(lon) > 359.9)


def row_areas(lat: Tensor, whole: bool) -> Tensor:
    """(lat, 1) weights with mean one of rows from north to south, on the globe or a part."""
    ends = 1.5 * lat[[0, -1]] - 0.5 * lat[[1, -2]]  # half a cell beyond the outer rows
    if whole:
        ends = lat.new_tensor([90.0, -90.0])
    edges = torch.cat([ends[:1], (lat[1:] + lat[:-1]) / 2, ends[1:]])
    area = torch.deg2rad(edges).sin().diff().neg()
    return (area / area.mean())[:, None].float()


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
