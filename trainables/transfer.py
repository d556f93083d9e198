"""From the host to a device without waiting for it."""

import torch
from torch import Tensor


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """`tensor`, made on the CPU, on `device`; the copy to an accelerator is only queued."""
    return tensor if device.type == "cpu" else tensor.pin_memory().to(device, non_blocking=True)
