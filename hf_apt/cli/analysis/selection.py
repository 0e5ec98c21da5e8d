"""`hf-apt selection`: its options."""

# Without postponed annotations: typer reads them.

from pathlib import Path
from typing import Annotated, Any

from typer import Argument

from hf_apt.cli.dataclass_options import Flag, in_panel, made_from
from hf_apt.cli.option_functions import with_options
from hf_apt.data.measure_config import MeasureConfig

SELECTION = made_from(
    MeasureConfig,
    *in_panel(
        "Measuring",
        Flag("num_sequences", "--measure-sequences", min=1),
        Flag("num_realisations", "--realisations", min=1),
        "masking_rate",
        Flag("batch_size", min=1),
        "seed",
    ),
)


@with_options(SELECTION)
def selection_command(
    config: MeasureConfig,
    *,
    run: Annotated[
        Path,
        Argument(help="The folder of `hf-apt pretrain` with an objective of a discriminator."),
    ],
) -> None:
    """APT of a generator, and which tokens its discriminator tells, at every block.

    Read is the held-out text of the run. Where it is planted, the best detector stands beside.
    """
    from hf_apt.analysis.selection.selection_study import selection_study
    from hf_apt.cli.analysis.studied import study_into
    from hf_apt.cli.tables import study
    from hf_apt.cli.tables.show import end_of_study, show
    from hf_apt.data.planted.corpus import PlantedCorpus
    from hf_apt.data.tokens import Tokens
    from hf_apt.models.devices import to_device
    from hf_apt.models.loading import load_selection
    from hf_apt.records.run import Run

    if not (run / "checkpoint" / "config.json").exists():
        raise ValueError(
            f"{run} holds no trained generator and discriminator: give the folder of hf-apt "
            "pretrain --objective replaced_tokens:weight=50."
        )
    trained = Run(run)
    model: Any = to_device(load_selection(str(trained.path("checkpoint"))))
    into = study_into(run)
    tokens = Tokens(trained.path("tokens/validation"))
    corpus = trained.read_json("config.json")["corpus"]
    # Artificial corpora have classes of words, too, and their answers to two texts are not known.
    is_planted = "language" not in corpus and trained.path("planted.npy").exists()
    record = selection_study(
        str(trained.path("checkpoint")),
        model,
        tokens,
        config,
        vocabulary=trained.vocabulary(model.config.vocab_size),
        provenance={"corpus": corpus, "num_sequences": len(tokens)},
        language=PlantedCorpus(**corpus).language() if is_planted else None,
    )
    show(record, (study,))
    end_of_study(into, record)
