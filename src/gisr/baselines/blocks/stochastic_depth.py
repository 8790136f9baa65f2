"""Residual branches that are left out at random while a network is trained."""

from jaxtyping import Float
from torch import Tensor, nn


class StochasticDepth(nn.Module):
    """Leave out a branch, for each sample alone (Huang et al., ECCV 2016); nothing in evaluation.

    What is kept is enlarged so that the mean stays.
    """

    def __init__(self, rate: float) -> None:
        """Create one that leaves out a share ``rate`` of all branches, in [0, 1)."""
        super().__init__()
        self.rate = rate

    def forward(self, branch: Float[Tensor, "b *rest"]) -> Float[Tensor, "b *rest"]:
        """Return the branch, zero where it is left out."""
        if not self.training or self.rate == 0:
            return branch
        shape = (len(branch),) + (1,) * (branch.ndim - 1)
        kept = branch.new_empty(shape).bernoulli_(1 - self.rate)
        return branch * kept / (1 - self.rate)
