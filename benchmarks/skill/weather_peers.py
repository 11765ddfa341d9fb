"""Other programs' models as networks from normalized fields to normalized changes.

Each takes (batch, 57, lat, lon), 54 fields and 3 static ones in the order of
`weather_data`, and gives (batch, 54, lat, lon). A package is imported where its model is
built, since each lives in an environment of its own.
"""

import itertools
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from weather_data import Atmosphere

sys.path.insert(0, str(Path(__file__).parents[1] / "workers"))
import stand_ins

UPPER, LEVELS, SURFACE = 4, 13, 2
FIELDS = UPPER * LEVELS + SURFACE


class Convolution(nn.Sequential):
    """Three convolutions of 3 x 3 cells that close around the globe: the plainest baseline."""

    def __init__(self, width: int = 96) -> None:
        widths = [FIELDS + 3, width, width, FIELDS]
        pairs = itertools.pairwise(widths)
        layers = [nn.Conv2d(inputs, outputs, 3) for inputs, outputs in pairs]
        super().__init__(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """See the module."""
        for layer in self:
            x = x if layer is self[0] else F.gelu(x)
            x = F.pad(F.pad(x, (1, 1, 0, 0), "circular"), (0, 0, 1, 1), "replicate")
            x = layer(x)
        return x


def sfno() -> nn.Module:
    """torch-harmonics' spherical Fourier neural operator on the Gaussian grid of the data."""
    from torch_harmonics.examples.models import SphericalFourierNeuralOperator

    return SphericalFourierNeuralOperator(
        img_size=(32, 64),
        grid="legendre-gauss",
        scale_factor=1,
        in_chans=FIELDS + 3,
        out_chans=FIELDS,
        embed_dim=128,
        num_layers=4,
    )


class PhysicsNeMoPangu(nn.Module):
    """PhysicsNeMo's Pangu, made for 5 + 4 variables: the missing ones are zero."""

    def __init__(self) -> None:
        super().__init__()
        stand_ins.hide_torchvision()
        from physicsnemo.models.pangu import Pangu

        self.net = Pangu(
            img_size=(32, 64), patch_size=(2, 2, 2), embed_dim=96, window_size=(2, 4, 8)
        )

    def forward(self, x: Tensor) -> Tensor:
        """See the module."""
        upper, surface, static = x.split([UPPER * LEVELS, SURFACE, 3], dim=1)
        nothing = torch.zeros_like(upper[:, :LEVELS])
        surface, upper = self.net(
            torch.cat([surface, torch.zeros_like(surface), static, upper, nothing], dim=1)
        )
        return torch.cat([upper[:, :UPPER].flatten(1, 2), surface[:, :SURFACE]], dim=1)


class PhysicsNeMoGraphCast(nn.Module):
    """PhysicsNeMo's GraphCastNet, which takes one sample at a time."""

    def __init__(self) -> None:
        super().__init__()
        stand_ins.hide_torchvision()
        stand_ins.sum_with_torch_geometric()
        from physicsnemo.models.graphcast.graph_cast_net import GraphCastNet

        self.net = GraphCastNet(
            mesh_level=3,
            input_res=(32, 64),
            input_dim_grid_nodes=FIELDS + 3,
            output_dim_grid_nodes=FIELDS,
            processor_layers=8,
            hidden_dim=96,
            do_concat_trick=True,
        )

    def forward(self, x: Tensor) -> Tensor:
        """See the module."""
        return torch.cat([self.net(sample) for sample in x.split(1)])


class Aurora(nn.Module):
    """Microsoft's Aurora at width 96; its own normalization is set to do nothing."""

    def __init__(self, data: Atmosphere) -> None:
        super().__init__()
        stand_ins.hide_torchvision()
        import aurora
        from aurora.normalisation import locations, scales

        self.levels, self.upper, self.surface = data.levels, ("z", "t", "u", "v"), ("msl", "sp")
        names = [
            *self.surface,
            *(f"{name}_{level:g}" for name in self.upper for level in self.levels),
        ]
        names += ["z", "lsm", "slt"]
        locations.update(dict.fromkeys(names, 0.0))
        scales.update(dict.fromkeys(names, 1.0))
        self.lat, self.lon = data.lat.float(), data.lon.float()
        self.batch = aurora.Batch
        self.metadata = aurora.Metadata
        self.net = aurora.Aurora(
            surf_vars=self.surface,
            atmos_vars=self.upper,
            static_vars=("z", "lsm", "slt"),
            embed_dim=96,
            encoder_depths=(2, 6, 2),
            encoder_num_heads=(3, 6, 12),
            decoder_depths=(2, 6, 2),
            decoder_num_heads=(12, 6, 3),
            num_heads=6,
            window_size=(2, 4, 8),
            patch_size=2,
            use_lora=False,
            max_history_size=1,
        )

    def forward(self, x: Tensor) -> Tensor:
        """See the module."""
        aloft = x[:, : UPPER * LEVELS].unflatten(1, (UPPER, 1, LEVELS))
        surface = x[:, UPPER * LEVELS : FIELDS, None]
        out = self.net(
            self.batch(
                surf_vars={name: surface[:, i] for i, name in enumerate(self.surface)},
                static_vars=dict(zip(("z", "lsm", "slt"), x[0, FIELDS:], strict=True)),
                atmos_vars={name: aloft[:, i] for i, name in enumerate(self.upper)},
                metadata=self.metadata(
                    lat=self.lat,
                    lon=self.lon,
                    time=(datetime(2000, 1, 1),) * len(x),
                    atmos_levels=tuple(round(level) for level in self.levels),
                ),
            )
        )
        fields = [out.atmos_vars[name][:, 0] for name in self.upper]
        fields += [out.surf_vars[name] for name in self.surface]
        return torch.cat(fields, dim=1)


BUILD: dict[str, Callable[[Atmosphere], nn.Module]] = {
    "convolution": lambda data: Convolution(),
    "sfno": lambda data: sfno(),
    "pangu": lambda data: PhysicsNeMoPangu(),
    "graphcast": lambda data: PhysicsNeMoGraphCast(),
    "aurora": Aurora,
}


def as_step(net: nn.Module, data: Atmosphere) -> Callable[[Tensor], Tensor]:
    """A network of normalized fields as a time step of physical states."""

    def step(past: Tensor) -> Tensor:
        last = past[:, -1]
        static = data.static.expand(len(last), -1, -1, -1)
        change = net(torch.cat([(last - data.mean) / data.std, static], dim=1))
        return last + data.change * change

    return step
