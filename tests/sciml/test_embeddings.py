"""Distances and times as vectors."""

import math

import torch

from sciml.embeddings import GaussianKernels, fourier_features


def test_each_kernel_has_unit_area() -> None:
    kernels = GaussianKernels(8, 0.0, 10.0).double()
    x = torch.linspace(-20, 30, 5001, dtype=torch.float64)
    area = torch.trapezoid(kernels(x), x, dim=0)
    torch.testing.assert_close(area, torch.ones_like(area), rtol=0, atol=1e-6)


def test_fourier_features_repeat_with_their_wavelength() -> None:
    x = torch.linspace(0, 3, 7, dtype=torch.float64)
    features = fourier_features(x, 2.0, 8.0, 4)
    assert features.shape == (7, 4)
    torch.testing.assert_close(features, fourier_features(x + 8.0, 2.0, 8.0, 4))
    torch.testing.assert_close(features[:, 0], torch.sin(math.pi * x))
