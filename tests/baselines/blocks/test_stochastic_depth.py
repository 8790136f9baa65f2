import torch

from gisr.baselines.blocks.stochastic_depth import StochasticDepth


def test_branches_are_left_out_by_sample_and_the_mean_stays() -> None:
    torch.manual_seed(0)
    kept = StochasticDepth(0.25)(torch.ones(4000, 3, 2))
    values = kept.unique().tolist()
    torch.testing.assert_close(values, [0.0, 1 / 0.75])
    assert torch.equal(kept, kept[:, :1, :1].expand_as(kept))
    torch.testing.assert_close(kept.mean().item(), 1.0, atol=0.03, rtol=0)


def test_nothing_is_left_out_in_evaluation() -> None:
    branch = torch.rand(8, 5)
    assert torch.equal(StochasticDepth(0.9).eval()(branch), branch)
    assert torch.equal(StochasticDepth(0.0)(branch), branch)
