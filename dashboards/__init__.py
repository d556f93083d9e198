"""Dashboards: tables → figures → one HTML page that needs nothing else. Never imports torch or Ray.

dashboards.write_page(store, "demo_mnist", "demo_mnist.html")
dashboards.figure(store, "demo_mnist", "bands", train="gaussian_noise", test="rotation").show()
"""

from dashboards.catalogue import figure
from dashboards.page import render, write_page

__all__ = ["figure", "render", "write_page"]
