"""Multi-head attention inside windows, with any additive bias."""

from torch import Tensor, nn
from torch.nn import functional as F


class WindowAttention(nn.Module):
    """Every token of a window attends to the tokens of the same window.

    softmax(q k^T / sqrt(d) + bias) v per head (Vaswani et al. 2017; Liu et al. 2021,
    equation 4). Windows and heads are folded into one axis, so a bias that is the same
    for the whole batch is broadcast by the kernel and never copied.

    Args:
        dim: channels, a multiple of `heads`.
        heads: number of attention heads.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """Attend within windows.

        Args:
            x: (batch, window, token, dim).
            bias: broadcasts to (batch, window, head, token, token); added to the logits.

        Returns:
            (batch, window, token, dim).
        """
        batch, windows, tokens, dim = x.shape
        qkv = self.qkv(x).view(batch, windows, tokens, 3, self.heads, -1)
        q, k, v = qkv.permute(3, 0, 1, 4, 2, 5).flatten(2, 3)  # (batch, window * head, token, d)
        if bias is not None:
            bias = bias.expand(-1, windows, self.heads, -1, -1).flatten(1, 2).to(q.dtype)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        y = y.view(batch, windows, self.heads, tokens, -1).transpose(2, 3)
        return self.out(y.reshape(batch, windows, tokens, dim))
