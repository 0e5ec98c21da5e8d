"""`hf-apt transfer`: its options."""

# Without postponed annotations: typer reads them.

from pathlib import Path
from typing import Annotated

from typer import Argument

from hf_apt.analysis.transfer.transfer_config import TransferConfig
from hf_apt.cli.dataclass_options import Flag, made_from
from hf_apt.cli.option_functions import with_options
from hf_apt.cli.shared_options import TaskOutput, run_folder

TRANSFER = made_from(TransferConfig, Flag("num_draws", "--draws", min=2), Flag("seed"))


@with_options(TRANSFER)
def transfer_options(
    config: TransferConfig,
    *,
    runs: Annotated[
        list[Path],
        Argument(
            help="Folders of runs that `measure` and `finetune` wrote into, a checkpoint each."
        ),
    ],
    output: TaskOutput = None,
) -> tuple[list[Path], TransferConfig, Path]:
    """The runs, how they are compared, and the folder to write into."""
    return runs, config, output or run_folder("transfer")


@with_options(transfer_options)
def transfer_command(runs: list[Path], config: TransferConfig, folder: Path) -> None:
    """Does APT predict which block is best? Against depth, loss and scores, over many runs.

    Nothing is trained or measured: the records of the runs are read. Tasks are those that all runs
    were fine-tuned on.
    """
    from hf_apt.analysis.transfer.transfer_run import TransferRun
    from hf_apt.analysis.transfer.transfer_study import transfer_study
    from hf_apt.cli.analysis.studied import study_into
    from hf_apt.cli.tables import study
    from hf_apt.cli.tables.show import end_of_study, show
    from hf_apt.records.run import Run
    from hf_apt.records.run_records import RunRecords
    from hf_apt.records.studies.study_files import read_studies

    absent = [str(path) for path in runs if not path.is_dir()]
    if absent:
        raise ValueError(f"there is no folder {absent[0]}: give the folders of runs.")
    run = study_into(folder)
    record = transfer_study(
        [
            TransferRun(
                name=str(path),
                tasks=Run(path).finetuned(),
                summary=RunRecords(Run(path)).summary if (path / "summary.json").exists() else None,
                studies=read_studies(Run(path)),
            )
            for path in runs
        ],
        config,
    )
    show(record, (study,))
    end_of_study(run, record)
