"""Which checkpoints of a trial are kept. One rule, so that no specification has to say: whatever could vary is needed.

while it trains                `last`, the furthest: a killed launch goes on from it. It holds the best epoch's
                               weights too. An attempt that goes on from an earlier one's deletes that one when its
                               own is written, so that a trial preempted a hundred times does not keep a hundred.
stopped, failed or pruned      the same: it has no row, and whoever needs it trains it to its end from there.
once its row is committed      `best` alone: the row names its hash, children start from it, evaluations under new
                               conditions load it. A trial that diverged before its first finite epoch has none.
with tests of noise stability  every stage that its recipe asks for besides (none where it diverged): each cell of
                               such a test needs all of them. Without a test none is ever written.
while it is trained again      `last` and `again-<n>` besides, until its stages are there.
"""

from collections.abc import Collection, Sequence

Checkpoint = tuple[str, str]
"""(attempt, role)"""


def stage_roles(stages: Collection[int]) -> frozenset[str]:
    """What the checkpoints of these stages are called."""
    return frozenset(f"stage-{stage}" for stage in stages)


def superfluous(checkpoints: Sequence[Checkpoint], best: str | None, stages: Collection[str]) -> tuple[Checkpoint, ...]:
    """Of a committed trial's, in the order of attempts: those that nothing needs.

    `best` is the attempt whose `best` the row vouches for, `stages` the roles to keep the newest of.
    """
    newest = {role: attempt for attempt, role in checkpoints if role in stages} | {"best": best}
    return tuple((attempt, role) for attempt, role in checkpoints if newest.get(role) != attempt)
