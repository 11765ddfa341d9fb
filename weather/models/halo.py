"""The cells around a grid, so that a convolution sees neighbours of the outermost."""

from torch import Tensor
from torch.nn import functional as F


def with_halo(fields: Tensor, cells: int, periodic: bool) -> Tensor:
    """Fields with a margin: around the globe in longitude, the outermost values elsewhere.

    Args:
        fields: (batch, channel, lat, lon).
        cells: width of the margin.
        periodic: whether longitude closes on itself.

    Returns:
        (batch, channel, lat + 2 cells, lon + 2 cells).
    """
    if not cells:
        return fields
    fields = F.pad(fields, (cells, cells, 0, 0), "circular" if periodic else "replicate")
    return F.pad(fields, (0, 0, cells, cells), "replicate")
