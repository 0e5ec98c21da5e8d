"""Features of classes that are the same everywhere: no random generator makes them."""

import numpy as np


def waves(scale, num=60, width=6, num_classes=3):
    """Features (I, H) and labels (I,) of classes that overlap."""
    index, place = np.arange(num)[:, None], np.arange(width)[None]
    labels = np.arange(num) % num_classes
    apart = 0.6 * np.cos(labels[:, None] * (place + 1.0))
    return scale * (np.sin(1.3 * index * (place + 1) + place) + apart), labels
