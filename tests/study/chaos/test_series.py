"""What a series of runs consists of, and what is refused before any starts."""

import pytest

from study.chaos.errors import ChaosError
from study.chaos.faults import Place
from study.chaos.series import Run, chosen, series

HERE = Place(store="/nowhere/store", address=None)
THERE = Place(store="/nowhere/store", address="head:6379")


def test_kinds_take_turns_and_more_runs_go_on_where_fewer_ended() -> None:
    first, second = Run(kind="driver", seed=4, number=0), Run(kind="worker", seed=4, number=0)
    assert series(("driver", "worker"), 3, 4) == (first, second, Run(kind="driver", seed=4, number=1))
    assert series(("driver", "worker"), 10, 4)[:3] == series(("driver", "worker"), 3, 4)


def test_what_cannot_be_done_is_refused_with_all_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(
        ChaosError, match=r"^network: .* need root.*; disk: .*needs root.*; without them: --kill worker$"
    ):
        chosen(("worker", "network", "disk"), HERE, confirmed=False)
    with pytest.raises(ChaosError, match="--kill earthquake: not a kind; there are driver, worker, node, network"):
        chosen(("worker", "earthquake"), HERE, confirmed=False)


def test_a_disk_of_a_bucket_cannot_be_filled() -> None:
    with pytest.raises(ChaosError, match=r"disk: .* s3://bucket/store is no folder; give --store a folder"):
        chosen(("disk",), Place(store="s3://bucket/store", address=None), confirmed=False)


def test_nodes_of_a_persons_cluster_are_killed_only_with_their_word() -> None:
    with pytest.raises(ChaosError, match=r"on the cluster at head:6379, node kills the raylet .* If so: --yes"):
        chosen(("node",), THERE, confirmed=False)
    assert list(chosen(("node",), THERE, confirmed=True)) == ["node"]
    with pytest.raises(ChaosError, match="nodes of the cluster at head:6379 are not ours to cut off"):
        chosen(("network",), THERE, confirmed=True)
