"""Other programs' models as networks from normalized fields to normalized changes.

Each takes (batch, history, channel, lat, lon), fields in the order of `weather_data`, latest
last, and (3, lat, lon) static ones, and gives (batch, channel, lat, lon). A package is imported
where its model is built, since each lives in an environment of its own.
"""

import itertools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from weather_data import Atmosphere

sys.path.insert(0, str(Path(__file__).parents[1] / "workers"))
import stand_ins

PANGU_LEVELS = (1000, 925, 850, 700, 600, 500, 400, 300, 250, 200, 150, 100, 50)
STATIC = 3


def channels(past: Tensor, static: Tensor) -> Tensor:
    """(batch, history * channel + 3, lat, lon)."""
    return torch.cat([past.flatten(1, 2), static.expand(len(past), -1, -1, -1)], dim=1)


def inputs(data: Atmosphere) -> int:
    """How many `channels` there are."""
    return data.history * len(data.names) + STATIC


def patch(data: Atmosphere) -> int:
    """Cells of a patch's side, so that there are some 16 x 32 patches."""
    return 2 if len(data.lat) < 64 else 4


@dataclass(frozen=True)
class Layout:
    """Where channels stand in arrays of surface fields and of variables by levels.

    Attributes:
        surface, upper: names of variables.
        levels: hPa.
        places: of each channel, in surface fields and then variables by levels.
    """

    surface: tuple[str, ...]
    upper: tuple[str, ...]
    levels: tuple[float, ...]
    places: tuple[int, ...]

    @classmethod
    def of(cls, data: Atmosphere, levels: tuple[float, ...]) -> Self:
        """Of channels such as `z500` and `msl`; without any aloft a variable is there but zero."""
        aloft = [name for name in data.names if name[1:].isdigit()]
        surface = tuple(name for name in data.names if name not in aloft)
        upper = tuple(dict.fromkeys(name[0] for name in aloft)) or ("t",)
        place = {name: number for number, name in enumerate(surface)}
        for name in aloft:
            row = upper.index(name[0]) * len(levels) + levels.index(float(name[1:]))
            place[name] = len(surface) + row
        return cls(surface, upper, levels, tuple(place[name] for name in data.names))

    def spread(self, fields: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, channel, lat, lon) to surface fields and (batch, variable, level, lat, lon).

        What has no channel is zero.
        """
        sizes = [len(self.surface), len(self.upper) * len(self.levels)]
        flat = fields.new_zeros(len(fields), sum(sizes), *fields.shape[2:])
        surface, upper = flat.index_copy(1, torch.tensor(self.places), fields).split(sizes, dim=1)
        return surface, upper.unflatten(1, (len(self.upper), len(self.levels)))

    def gather(self, surface: Tensor, upper: Tensor) -> Tensor:
        """The reverse of `spread`."""
        return torch.cat([surface, upper.flatten(1, 2)], dim=1)[:, list(self.places)]


class Convolution(nn.Sequential):
    """Three convolutions of 3 x 3 cells that close around the globe: the plainest baseline."""

    def __init__(self, data: Atmosphere, width: int = 96) -> None:
        widths = [inputs(data), width, width, len(data.names)]
        pairs = itertools.pairwise(widths)
        super().__init__(*(nn.Conv2d(before, after, 3) for before, after in pairs))
        self.around = "circular" if data.whole else "replicate"

    def forward(self, past: Tensor, static: Tensor) -> Tensor:
        """See the module."""
        x = channels(past, static)
        for layer in self:
            x = x if layer is self[0] else F.gelu(x)
            x = F.pad(F.pad(x, (1, 1, 0, 0), self.around), (0, 0, 1, 1), "replicate")
            x = layer(x)
        return x


class SFNO(nn.Module):
    """torch-harmonics' spherical Fourier neural operator, on a Gaussian grid or one with poles."""

    def __init__(self, data: Atmosphere) -> None:
        super().__init__()
        from torch_harmonics.examples.models import SphericalFourierNeuralOperator

        self.net = SphericalFourierNeuralOperator(
            img_size=(len(data.lat), len(data.lon)),
            grid="equiangular" if data.lat[0] == 90 else "legendre-gauss",
            scale_factor=1,
            in_chans=inputs(data),
            out_chans=len(data.names),
            embed_dim=128,
            num_layers=4,
        )

    def forward(self, past: Tensor, static: Tensor) -> Tensor:
        """See the module."""
        return self.net(channels(past, static))


class PhysicsNeMoPangu(nn.Module):
    """PhysicsNeMo's Pangu, made for 5 + 4 variables on 13 levels: what is not there is zero.

    An earlier state stands in place of further variables.
    """

    def __init__(self, data: Atmosphere) -> None:
        super().__init__()
        stand_ins.hide_torchvision()
        from physicsnemo.models.pangu import Pangu

        self.layout = Layout.of(data, data.levels or PANGU_LEVELS)
        self.net = Pangu(
            img_size=(len(data.lat), len(data.lon)),
            patch_size=(2, patch(data), patch(data)),
            embed_dim=96,
            window_size=(2, 4, 8),
        )

    def forward(self, past: Tensor, static: Tensor) -> Tensor:
        """See the module."""
        parts = [self.layout.spread(state) for state in past.flip(1).unbind(1)]
        surface, upper = (torch.cat(fields, dim=1) for fields in zip(*parts, strict=True))
        surface = F.pad(surface, (0, 0, 0, 0, 0, 4 - surface.shape[1]))
        upper = F.pad(upper.flatten(1, 2), (0, 0, 0, 0, 0, 13 * (5 - upper.shape[1])))
        static = static.expand(len(past), -1, -1, -1)
        surface, upper = self.net(torch.cat([surface, static, upper], dim=1))
        kept = (len(self.layout.surface), len(self.layout.upper))
        return self.layout.gather(surface[:, : kept[0]], upper[:, : kept[1]])


class PhysicsNeMoGraphCast(nn.Module):
    """PhysicsNeMo's GraphCastNet, which takes one sample at a time."""

    def __init__(self, data: Atmosphere) -> None:
        super().__init__()
        stand_ins.hide_torchvision()
        stand_ins.sum_with_torch_geometric()
        from physicsnemo.models.graphcast.graph_cast_net import GraphCastNet

        self.net = GraphCastNet(
            mesh_level=3,
            input_res=(len(data.lat), len(data.lon)),
            input_dim_grid_nodes=inputs(data),
            output_dim_grid_nodes=len(data.names),
            processor_layers=8,
            hidden_dim=96,
            do_concat_trick=True,
        )

    def forward(self, past: Tensor, static: Tensor) -> Tensor:
        """See the module."""
        return torch.cat([self.net(sample) for sample in channels(past, static).split(1)])


class Aurora(nn.Module):
    """Microsoft's Aurora at width 96; its own normalization is set to do nothing.

    It takes a whole number of patches: beyond them it leaves out the row of one pole, which then
    stays as it is; a part of the globe gets a further row instead, a copy of the last.
    """

    def __init__(self, data: Atmosphere) -> None:
        super().__init__()
        stand_ins.hide_torchvision()
        import aurora
        from aurora.normalisation import locations, scales

        aloft = {float(name[1:]) for name in data.names if name[1:].isdigit()} or {850.0}
        self.layout = Layout.of(data, data.levels or tuple(sorted(aloft, reverse=True)))
        names = [*self.layout.surface, "z", "lsm", "slt"]
        pairs = itertools.product(self.layout.upper, self.layout.levels)
        names += [f"{name}_{level:g}" for name, level in pairs]
        locations.update(dict.fromkeys(names, 0.0))
        scales.update(dict.fromkeys(names, 1.0))
        self.further = 0 if data.whole else -len(data.lat) % patch(data)
        beyond = data.lat[-1] + torch.arange(1, self.further + 1) * data.lat.diff()[-1]
        self.lat, self.lon = torch.cat([data.lat, beyond]).float(), (data.lon - data.lon[0]).float()
        self.batch = aurora.Batch
        self.metadata = aurora.Metadata
        self.net = aurora.Aurora(
            surf_vars=self.layout.surface,
            atmos_vars=self.layout.upper,
            static_vars=("z", "lsm", "slt"),
            embed_dim=96,
            encoder_depths=(2, 6, 2),
            encoder_num_heads=(3, 6, 12),
            decoder_depths=(2, 6, 2),
            decoder_num_heads=(12, 6, 3),
            num_heads=6,
            window_size=(2, 4, 8),
            patch_size=patch(data),
            use_lora=False,
            max_history_size=data.history,
        )

    def forward(self, past: Tensor, static: Tensor) -> Tensor:
        """See the module."""
        rows = past.shape[-2]
        past, static = (self._longer(fields) for fields in (past, static))
        parts = [self.layout.spread(state) for state in past.unbind(1)]
        surface, aloft = (torch.stack(fields, dim=2) for fields in zip(*parts, strict=True))
        layout = self.layout
        out = self.net(
            self.batch(
                surf_vars=dict(zip(layout.surface, surface.unbind(1), strict=True)),
                static_vars=dict(zip(("z", "lsm", "slt"), static, strict=True)),
                atmos_vars=dict(zip(layout.upper, aloft.unbind(1), strict=True)),
                metadata=self.metadata(
                    lat=self.lat,
                    lon=self.lon,
                    time=(datetime(2000, 1, 1),) * len(past),
                    atmos_levels=tuple(round(level) for level in layout.levels),
                ),
            )
        )
        fields = [out.surf_vars[name][:, 0] for name in layout.surface]
        aloft = [out.atmos_vars[name][:, 0] for name in layout.upper]
        change = layout.gather(torch.stack(fields, dim=1), torch.stack(aloft, dim=1))
        return F.pad(change, (0, 0, 0, max(rows - change.shape[-2], 0)))[..., :rows, :]

    def _longer(self, fields: Tensor) -> Tensor:
        last = fields[..., -1:, :].expand(*fields.shape[:-2], self.further, -1)
        return torch.cat([fields, last], dim=-2)


BUILD: dict[str, Callable[[Atmosphere], nn.Module]] = {
    "convolution": Convolution,
    "sfno": SFNO,
    "pangu": PhysicsNeMoPangu,
    "graphcast": PhysicsNeMoGraphCast,
    "aurora": Aurora,
}


def as_step(net: nn.Module, data: Atmosphere) -> Callable[[Tensor], Tensor]:
    """A network of normalized fields as a time step of physical states."""

    def step(past: Tensor) -> Tensor:
        return past[:, -1] + data.change * net((past - data.mean) / data.std, data.static)

    return step
