"""What the vectors of images at every depth take in memory, known after the first batch."""

from __future__ import annotations

from dataclasses import dataclass

from hf_apt.analysis.images.image_depths import BatchReading

GIB = 2**30
"""Bytes of the unit that memory is asked for in."""

_BYTES = 4
"""Bytes of a number that is kept, float32."""

_BYTES_TO_FIT = 24
"""Bytes of a number that a linear head is trained on: standardised, and twice in float64."""


@dataclass(frozen=True)
class ImageMemory:
    """Numbers that are kept of each image, by which memory is known before images are read."""

    num_depths: int
    """Number of depths."""

    numbers: int
    """Numbers that are kept of each image: vectors of all depths, and pixels."""

    logits: int
    """The model's own logits of all depths, which are kept of test images alone."""

    widest: int
    """Numbers of the widest vector that a linear head is trained on."""

    @classmethod
    def of(cls, reading: BatchReading, num_pixels: int, *, pools_all: bool) -> ImageMemory:
        """What is kept of each image, by the reading of some of them.

        Args:
            reading: what these images gave.
            num_pixels: pixels that the head on bare pixels is given.
            pools_all: whether means over positions are nothing of their own and not kept.
        """
        widths = [each.shape[1] for each in reading.pooled]
        widths += [] if pools_all else [each.shape[1] for each in reading.means]
        return cls(
            len(reading.pooled),
            sum(widths) + num_pixels,
            sum(each.shape[1] for each in reading.logits if each is not None),
            max(*widths, num_pixels),
        )

    def num_bytes(self, num_train: int, num_test: int) -> int:
        """Bytes at most: what is kept, and the copies that one linear head is trained on.

        An untrained twin is read after the model's own vectors are gone, and takes no more.
        """
        num = num_train + num_test
        kept = _BYTES * (num * self.numbers + num_test * self.logits)
        return kept + _BYTES_TO_FIT * num * self.widest

    def sentence(self, num_train: int, num_test: int) -> str:
        """What the vectors take, to be said before images are read."""
        taken = shown_bytes(self.num_bytes(num_train, num_test))
        return (
            f"Vectors of {num_train + num_test:,} images at {self.num_depths} depths take {taken} "
            "of memory, with a head in training."
        )

    def require(self, num_train: int, num_test: int, num_labels: int, memory: int) -> None:
        """Raise ValueError if more than `memory` bytes are needed; it says how many images fit."""
        needed = self.num_bytes(num_train, num_test)
        if needed <= memory:
            return
        of_each = int(memory / needed * (num_train + num_test) / num_labels)
        fewer = (
            f"take at most {of_each:,} images of each of {num_labels:,} labels, training and test "
            "together (--train-per-class, --test-per-class), or allow more (--memory)"
            if of_each >= 2
            else "allow more (--memory)"
        )
        raise ValueError(
            f"the vectors of {num_train + num_test:,} images at {self.num_depths} depths take "
            f"{shown_bytes(needed)} of memory, and {shown_bytes(memory)} may be used: {fewer}."
        )


def shown_bytes(num_bytes: int) -> str:
    """Bytes in GiB or MiB.

    >>> shown_bytes(3 * 2**30), shown_bytes(2**20 // 2)
    ('3.0 GiB', '0.5 MiB')
    """
    return f"{num_bytes / GIB:.1f} GiB" if num_bytes >= 2**27 else f"{num_bytes / 2**20:.1f} MiB"
