import pytest
import torch
import torch.nn.functional as F

from gisr.baselines.blocks.padding import pad_to_multiple


def test_borders_are_reflected_as_torch_reflects_them() -> None:
    x = torch.rand(2, 3, 13, 18)
    expected = F.pad(x, (0, 6, 0, 11), mode="reflect")
    torch.testing.assert_close(pad_to_multiple(x, 24), expected)


@pytest.mark.parametrize(("size", "padded"), [((16, 8), (16, 8)), ((1, 3), (8, 8))])
def test_images_of_any_size_are_padded(size: tuple[int, int], padded: tuple[int, int]) -> None:
    x = torch.arange(size[0] * size[1], dtype=torch.float32).view(1, 1, *size)
    given = pad_to_multiple(x, 8)
    assert given.shape[2:] == padded
    assert set(given.unique().tolist()) == set(x.unique().tolist())


def test_what_is_smaller_than_its_padding_is_reflected_again() -> None:
    x = torch.tensor([0.0, 1.0, 2.0]).view(1, 1, 1, 3)
    expected = torch.tensor([0.0, 1, 2, 1, 0, 1, 2, 1]).expand(1, 1, 8, 8)
    torch.testing.assert_close(pad_to_multiple(x, 8), expected)


def test_short_sides_get_the_least() -> None:
    assert pad_to_multiple(torch.rand(1, 1, 17, 50), 16, least=40).shape == (1, 1, 48, 64)
