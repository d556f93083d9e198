"""One thread: the tests share their processors with other tests."""

import torch

torch.set_num_threads(1)
