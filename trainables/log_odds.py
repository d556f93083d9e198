"""The log-odds against the true class: what cross-entropy goes by, and what never underflows."""

import math

from torch import Tensor


def log_odds(logits: Tensor, labels: Tensor) -> Tensor:
    """m = log Σ_{j≠y} exp h_j − h_y of logits h [n, classes] and labels y [n]: [n], in the logits' precision.

    Cross-entropy is log(1 + exp m), and its gradient that of m times σ(m) > 0: the two have one direction, but σ(m) is
    rounded to 0 for an answer that is sure enough, in float32 from a lead of about 17, and 1 − p(y) in float64 from
    about 37; the gradient of m is not.
    """
    own = labels[:, None]
    others = logits.scatter(1, own, -math.inf).logsumexp(dim=1)
    return others - logits.gather(1, own)[:, 0]
