"""What AlexNet gets: the rates that the published corruption and flip rates of ImageNet are divided by.

They hold for ImageNet's validation images at 224 pixels and for nothing else: of other data, a baseline network's own
counts take their place. Rates lie in [0, 1].
"""

from collections.abc import Mapping

CLEAN_ERROR = 0.435
"""Top-1 on undistorted images: Hendrycks and Dietterich 2019, Table 1; torchvision's pretrained AlexNet."""

CORRUPTION_ERRORS: Mapping[str, tuple[float, ...]] = {
    "gaussian_noise": (0.69528, 0.82542, 0.93554, 0.98138, 0.99452),
    "shot_noise": (0.71224, 0.85108, 0.93574, 0.98182, 0.99146),
    "impulse_noise": (0.78374, 0.89808, 0.94870, 0.98720, 0.99548),
    "defocus_blur": (0.65624, 0.73202, 0.85036, 0.91364, 0.94714),
    "glass_blur": (0.64308, 0.75054, 0.88806, 0.91622, 0.93344),
    "motion_blur": (0.58430, 0.70048, 0.82108, 0.89750, 0.92638),
    "zoom_blur": (0.70008, 0.76992, 0.80784, 0.84198, 0.87198),
    "snow": (0.71726, 0.88392, 0.86468, 0.91870, 0.94952),
    "frost": (0.61390, 0.79734, 0.88790, 0.89942, 0.93430),
    "fog": (0.67474, 0.76050, 0.84378, 0.87260, 0.94500),
    "brightness": (0.45140, 0.48502, 0.54048, 0.62166, 0.72440),
    "contrast": (0.64548, 0.76150, 0.88874, 0.97760, 0.99270),
    "elastic_transform": (0.52596, 0.70116, 0.55686, 0.64076, 0.80554),
    "pixelate": (0.52218, 0.54620, 0.73728, 0.87092, 0.91262),
    "jpeg_compression": (0.51002, 0.54718, 0.57294, 0.65458, 0.74778),
}
"""Top-1 by severity, of 50,000 images each: the 15 of mCE. From the authors' README of commit 76d9393 and issue 10."""

PRINTED_CORRUPTION_ERRORS: Mapping[str, float] = {
    "gaussian_noise": 0.886, "shot_noise": 0.894, "impulse_noise": 0.923,
    "defocus_blur": 0.820, "glass_blur": 0.826, "motion_blur": 0.786, "zoom_blur": 0.798,
    "snow": 0.867, "frost": 0.827, "fog": 0.819, "brightness": 0.565,
    "contrast": 0.853, "elastic_transform": 0.646, "pixelate": 0.718, "jpeg_compression": 0.607,
    "speckle_noise": 0.845, "gaussian_blur": 0.787, "spatter": 0.718, "saturate": 0.658,
}  # fmt: skip
"""Means over the severities, to the three digits that the paper prints; the four extra ones stand here alone."""

FLIP_PROBABILITIES: Mapping[str, float] = {
    "gaussian_noise": 0.2365, "shot_noise": 0.3006, "motion_blur": 0.0930, "zoom_blur": 0.0594, "snow": 0.1193,
    "brightness": 0.0489, "translate": 0.1101, "rotate": 0.1310, "tilt": 0.0705, "scale": 0.2353,
    "speckle_noise": 0.1865, "gaussian_blur": 0.0278, "spatter": 0.0505, "shear": 0.1066,
}  # fmt: skip
"""Of difficulty 1, mFR's ten before the extra ones: Hendrycks and Dietterich 2019, Table 3, and their code."""

TOP5_DISTANCES: Mapping[str, float] = {
    "gaussian_noise": 4.77, "shot_noise": 5.76, "motion_blur": 1.93, "zoom_blur": 1.34, "snow": 2.42,
    "brightness": 1.19, "translate": 2.63, "rotate": 2.95, "tilt": 1.75, "scale": 4.48,
    "speckle_noise": 3.89, "gaussian_blur": 0.70, "spatter": 1.26, "shear": 2.48,
}  # fmt: skip
"""uT5D of difficulty 1, from the same places."""
