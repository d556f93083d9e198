import heapq

import torch

from trainables.chamfer import STEPS, UNIT, distances


def shortest(marked: torch.Tensor, limit: int) -> list[list[float]]:
    """Dijkstra's, one step at a time."""
    height, width = marked.shape
    known = dict.fromkeys(map(tuple, marked.nonzero().tolist()), 0)
    queue = [(0, place) for place in known]
    while queue:
        length, (row, column) = heapq.heappop(queue)
        if length > known[row, column]:
            continue
        for (down, right), step in STEPS.items():
            for way in (1, -1):
                place, longer = (row + way * down, column + way * right), length + step
                inside = 0 <= place[0] < height and 0 <= place[1] < width
                if inside and longer < known.get(place, limit * UNIT):
                    known[place] = longer
                    heapq.heappush(queue, (longer, place))
    return [[known.get((row, column), limit * UNIT) / UNIT for column in range(width)] for row in range(height)]


def test_distances_are_those_of_the_shortest_paths() -> None:
    generator = torch.Generator().manual_seed(0)
    for height, width, share in ((30, 41, 0.002), (12, 3, 0.05), (1, 30, 0.05), (25, 25, 0.3)):
        marked = torch.rand(3, 1, height, width, generator=generator) < share
        ours = distances(marked, 20)
        assert [one[0].tolist() for one in ours] == [shortest(one[0], 20) for one in marked]


def test_where_nothing_is_marked_it_is_far_everywhere() -> None:
    assert torch.equal(distances(torch.zeros(1, 1, 4, 4, dtype=torch.bool), 20), torch.full((1, 1, 4, 4), 20.0))
