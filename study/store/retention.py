"""Which checkpoints of a trial are kept: what is needed, and what `keep:` asks for besides.

while it trains                `last`, the furthest: a killed launch goes on from it. It holds the best epoch's
                               weights too. An attempt that goes on from an earlier one's deletes that one when its
                               own is written, so that a trial preempted a hundred times does not keep a hundred.
stopped, failed or pruned      the same: it has no row, and whoever needs it trains it to its end from there.
once its row is committed      `best` alone: the row names its hash, children start from it, evaluations under new
                               conditions load it. A trial that diverged before its first finite epoch has none.
with `keep: last+best`         `final` besides, a copy of `last` as it was then: the last epoch's state, optimizer
                               and all. It stays until no study of the store says so any more.
with tests of noise stability  every stage that its recipe asks for besides (none where it diverged): each cell of
                               such a test needs all of them. Without a test none is ever written.
while it is trained again      `last` and `again-<n>` besides, until its stages are there.
"""

from collections.abc import Collection, Sequence

Checkpoint = tuple[str, str]
"""(attempt, role)"""
FINAL = "final"


def roles(stages: Collection[int]) -> frozenset[str]:
    """What else than `best` is kept of a finished trial that has these stages."""
    return frozenset({FINAL, *(f"stage-{stage}" for stage in stages)})


def superfluous(checkpoints: Sequence[Checkpoint], best: str | None, others: Collection[str]) -> tuple[Checkpoint, ...]:
    """Of a committed trial's, in the order of attempts: those that nothing needs.

    `best` is the attempt whose `best` the row vouches for, `others` the roles to keep the newest of.
    """
    newest = {role: attempt for attempt, role in checkpoints if role in others} | {"best": best}
    return tuple((attempt, role) for attempt, role in checkpoints if newest.get(role) != attempt)
