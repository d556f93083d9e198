"""Alignment: an image warped onto another, by OpenCV, which is an extra: `pip install 'robustness-study[quality]'`."""

import importlib
import importlib.util
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

INSTALL = "pip install 'robustness-study[quality]'"
ITERATIONS, INCREMENT = 50, 1e-3
PREFILTER = 5
"""Pixels a side of the Gaussian filter before the search."""
GREY = (0.299, 0.587, 0.114)
"""Of red, green and blue: Rec. 601, as OpenCV's."""

Array = NDArray[np.float32]


def can_align() -> bool:
    """Whether OpenCV is here."""
    return importlib.util.find_spec("cv2") is not None


def aligned(images: Tensor, references: Tensor) -> Tensor:
    """Each image warped onto its reference by the homography of the largest enhanced correlation coefficient.

    [N, C, H, W] each, pixels in [0, 255], C 1 or 3 → the same, float32, on the images' device. After Evangelidis and
    Psarakis 2008: found on grey images from the identity on, bilinear, black beyond the border. An image for which
    the search does not converge stays as it is. The work is OpenCV's, on the host, a thread for each of torch's.
    """
    moved, fixed = (one.to("cpu", torch.float32) for one in (images, references))
    parts = [(one.movedim(1, -1).contiguous().numpy(), _grey(one).numpy()) for one in (moved, fixed)]
    (colours, greys), (_, templates) = parts
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        warped = list(pool.map(_warper(), colours, greys, templates))
    if not warped:
        return images.to(torch.float32)
    return torch.from_numpy(np.stack(warped)).movedim(-1, 1).to(images.device)


def _grey(images: Tensor) -> Tensor:
    """[N, H, W]"""
    if images.shape[1] == 1:
        return images[:, 0].contiguous()
    return torch.einsum("nchw,c->nhw", images, torch.tensor(GREY)).contiguous()


def _warper() -> Callable[[Array, Array, Array], Array]:
    """(image [H, W, C], its grey, the reference's grey) → the image, warped."""
    cv2: Any = importlib.import_module("cv2")
    cv2.setNumThreads(1)  # images run side by side
    until = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, ITERATIONS, INCREMENT)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP

    def warped(image: Array, grey: Array, template: Array) -> Array:
        identity = np.eye(3, dtype=np.float32)
        try:
            _, found = cv2.findTransformECC(template, grey, identity, cv2.MOTION_HOMOGRAPHY, until, None, PREFILTER)
        except cv2.error:
            return image
        height, width = grey.shape
        onto: Array = cv2.warpPerspective(image, found, (width, height), flags=flags)
        return onto.reshape(image.shape)  # OpenCV drops a single channel

    return warped
