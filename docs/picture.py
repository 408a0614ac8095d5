"""Draws the picture of the README: `python docs/picture.py`."""

from pathlib import Path

import matplotlib.pyplot as plt

import bayesmix as bm

arms = bm.load_dataset("arm_lengths")
choice = bm.choose_components(arms["length"], range(1, 7), random_seed=1, progressbar=False)
figure = plt.figure(figsize=(14, 4.4), layout="constrained")
panels = figure.subfigures(1, 3)
for panel, title in zip(panels, ("How many groups?", "What are they like?", "Which row is in which?"), strict=True):
    panel.suptitle(title, fontsize=14)
    axes = panel.subplots()
    axes.spines[["top", "right"]].set_visible(False)
left, middle, right = (panel.axes[0] for panel in panels)
choice.plot(ax=left, numbers=False)
choice.fits[2].plot_density(ax=middle)
choice.fits[2].plot_assignments(ax=right)
figure.savefig(Path(__file__).with_suffix(".png"), dpi=100)
