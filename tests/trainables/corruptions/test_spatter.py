import torch

from trainables.corruptions.spatter import Spatter, wetted


def grey(count: int) -> torch.Tensor:
    return torch.full((count, 3, 32, 32), 90, dtype=torch.uint8)


def test_where_there_is_no_drop_nothing_changes() -> None:
    """The published code divides by zero there."""
    assert torch.equal(wetted(grey(2), torch.zeros(2, 1, 32, 32), 0.6), grey(2))


def test_a_dry_image_does_not_dry_its_neighbours() -> None:
    layer = torch.zeros(2, 1, 32, 32)
    layer[1, 0, 10:20, 10:20] = 0.8
    seen = wetted(grey(2), layer, 0.6)
    assert torch.equal(seen[0], grey(1)[0])
    assert (seen[1] > 90).any()


def test_water_brightens_and_mud_has_the_colour_of_mud() -> None:
    for severity, setting in enumerate(Spatter.settings[224], 1):
        images = torch.full((1, 3, 224, 224), 90, dtype=torch.uint8)
        seen = Spatter().apply(images, severity, torch.Generator().manual_seed(severity))
        changed = (seen != images).any(1)[0]
        assert 0.01 < changed.float().mean() < 0.7
        if setting.liquid == "water":
            assert (seen >= images).all()
        else:
            mud = torch.tensor([63.0, 42, 20])[:, None]
            assert ((seen[0, :, changed] - mud) <= 0.2 * (90 - mud)).all()  # what is thinner is left out
            assert (seen[0, :, changed] >= mud - 1).all()
