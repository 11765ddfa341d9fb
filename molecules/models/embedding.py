"""Integer codes to vectors: the sum of one learned vector per field."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class FieldEmbedding(nn.Module):
    """Sums one vector per field, looked up in one table.

    Args:
        fields: number of codes of each field.
        dim: channels.
    """

    first: Tensor

    def __init__(self, fields: Mapping[str, int], dim: int) -> None:
        super().__init__()
        sizes = torch.tensor(list(fields.values()))
        self.register_buffer("first", sizes.cumsum(0) - sizes, persistent=False)
        self.table = nn.Parameter(torch.randn(int(sizes.sum()), dim) / len(fields) ** 0.5)

    def forward(self, codes: Tensor) -> Tensor:
        """(row, field) int64 -> (row, dim)."""
        return F.embedding_bag(codes + self.first, self.table, mode="sum")
