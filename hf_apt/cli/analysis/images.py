"""`hf-apt images`: its options."""

# Without postponed annotations: typer reads them.

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

from typer import Argument

from hf_apt.analysis.images.images_config import ImagesConfig
from hf_apt.cli.dataclass_options import Flag, in_panel, made_from
from hf_apt.cli.every_command.present import require_present
from hf_apt.cli.option_functions import with_options
from hf_apt.cli.shared_options import Revision, TaskOutput

IMAGES = made_from(
    ImagesConfig,
    *in_panel(
        "Images",
        Flag("source.name", "--data"),
        "source.image_column",
        "source.label_column",
        Flag("source.config", "--dataset-config"),
        "source.split",
        "source.test_split",
        Flag("source.train_per_class", min=1),
        Flag("source.test_per_class", min=1),
        Flag("source.seed", min=0),
    ),
    *in_panel(
        "Measuring",
        Flag("batch_size", min=1),
        Flag("inverse_penalty", "--probe-c"),
        "untrained",
        Flag("memory", shown="0.8 of what is free"),
    ),
)


@with_options(IMAGES)
def images_options(
    config: ImagesConfig,
    *,
    checkpoint: Annotated[
        str,
        Argument(help="An image classifier: a folder or Hub id, with its processor."),
    ],
    revision: Revision = None,
    output: TaskOutput = None,
) -> tuple[str, str | None, ImagesConfig, Path]:
    """The checkpoint and its revision, what to measure, and the folder to write into."""
    from hf_apt.cli.analysis.studied import place_of

    path, folder = place_of(checkpoint, output, "images")
    return path, revision, config, folder


@with_options(images_options)
def images_command(
    checkpoint: str, revision: str | None, config: ImagesConfig, folder: Path
) -> None:
    """Read an image classifier at every block: accuracy per label, clusters, noise."""
    require_present(checkpoints=(checkpoint,))
    from hf_apt.data.images.image_rows import require_images

    require_images(config.source.name)
    from tqdm import tqdm

    from hf_apt.cli.analysis.studied import study_into
    from hf_apt.cli.tables import study
    from hf_apt.cli.tables.show import end_of_study, show

    run = study_into(folder)
    from hf_apt.analysis.images.measure_images import measure_images

    say = partial(tqdm.write, file=sys.stderr)
    record = measure_images(checkpoint, config, revision=revision, say=say)
    show(record, (study,))
    end_of_study(run, record)
