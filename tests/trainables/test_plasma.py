import torch

from trainables.plasma import plasma


def test_a_map_reaches_from_0_to_1_and_has_no_seam() -> None:
    draws = torch.rand(4, 64**2 - 1, generator=torch.Generator().manual_seed(0)) * 2 - 1
    maps = plasma(draws, 3.0)
    assert maps.shape == (4, 64, 64)
    assert maps.amin((1, 2)).tolist() == [0] * 4
    assert maps.amax((1, 2)).tolist() == [1] * 4
    inside = (maps[:, 1:] - maps[:, :-1]).abs().mean()
    assert (maps[:, 0] - maps[:, -1]).abs().mean() < 2 * inside


def test_without_displacements_but_the_first_it_is_known_between_the_known() -> None:
    draws = torch.zeros(1, 4**2 - 1)
    draws[0, 0] = 1.0  # the centre of the first square; every corner is the point 0
    middle = 0.5  # two corners that are 0, twice the centre
    assert plasma(draws, 2.0)[0, ::2, ::2].tolist() == [[0, middle], [middle, 1]]


def test_roughness_falls_as_the_square_of_the_decay() -> None:
    """A displacement of the second level lifts the map by 1 / decay² of one of the first."""
    draws = torch.zeros(2, 4**2 - 1)
    draws[:, 0] = 1.0
    draws[1, 3] = 1.0  # of the second level the first centre
    plain, lifted = plasma(draws, 2.0)[:, 1, 1]
    assert torch.isclose(lifted - plain, torch.tensor(1 / 2.0**2))
