"""Which labelled images a study is about."""

from __future__ import annotations

from dataclasses import dataclass

from hf_apt.stats.config_checks import require_whole


@dataclass(frozen=True, kw_only=True)
class ImageSource:
    """Which labelled images, and how many.

    Raises:
        ValueError: for a number that is out of range.
    """

    name: str = "digits"
    """`digits`, the 8×8 digits that come with scikit-learn; a folder with a folder of images for
    each label; .parquet files, a folder or quoted glob of them; or a data set of the Hub."""

    image_column: str = "image"
    """Column of the images, in a table."""

    label_column: str = "label"
    """Column of the label, in a table."""

    config: str | None = None
    """Configuration of the Hub data set; None for the only one."""

    split: str = "train"
    """Split of the Hub data set to train heads on."""

    test_split: str | None = None
    """Split of the Hub data set to test with; None for a tenth of the other one."""

    train_per_class: int | None = None
    """Number of images of each label that heads are trained on; None for all that are left."""

    test_per_class: int | None = None
    """Number of test images of each label; None for 50 of `digits`, else for all test images, or a
    tenth where they are not kept apart."""

    seed: int = 42
    """Seed of the choice of images, and of the untrained twin."""

    def __post_init__(self) -> None:
        require_whole(self, "train_per_class", "test_per_class")
        require_whole(self, "seed", least=0)
