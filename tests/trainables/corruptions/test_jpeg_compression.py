"""JPEG as a corruption."""

import pytest
import torch

from tests.contracts.pictures import random_images
from trainables.corruptions.jpeg_compression import JpegCompression
from trainables.jpeg import recompressed


def apply(codec: str, severity: int) -> torch.Tensor:
    pixels = random_images(3, 3, 64, 64).mul(255).to(torch.uint8)
    return JpegCompression(codec=codec).apply(pixels, severity, torch.Generator())


@pytest.mark.parametrize("severity", [1, 5])
def test_on_a_host_auto_is_libjpeg(severity: int) -> None:
    assert torch.equal(apply("auto", severity), apply("libjpeg", severity))
    difference = (apply("torch", severity).double() - apply("libjpeg", severity)).square().mean().sqrt()
    assert difference < 0.1


def test_results_of_the_other_codec_are_labelled() -> None:
    labels = [JpegCompression(codec=codec).label for codec in ("auto", "libjpeg", "torch")]
    assert labels == ["jpeg_compression", "jpeg_compression", "jpeg_compression (torch)"]


def test_severities_are_qualities() -> None:
    pixels = random_images(3, 3, 64, 64).mul(255).to(torch.uint8)
    assert torch.equal(apply("torch", 5), recompressed(pixels, 25, "torch"))


def test_an_unknown_codec_is_refused() -> None:
    with pytest.raises(ValueError, match="codec is one of auto, libjpeg, torch; got 'webp'"):
        JpegCompression(codec="webp")
