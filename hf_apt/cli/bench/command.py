"""`hf-apt bench`: its options."""

# Without postponed annotations: typer reads them.

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from hf_apt.cli.every_command.present import require_present
from hf_apt.cli.failures import starts_anew, writes_into

if TYPE_CHECKING:
    from hf_apt.depths.bench.word_bench import BenchResult


def bench_command(
    model: Annotated[str, Argument(help="A masked-LM checkpoint: folder, Hub id or shipped name.")],
    data: Annotated[
        Path | None, Option(help="Folder of the benchmark.", show_default="apt-bench, which comes")
    ] = None,
    tokenizer: Annotated[
        str | None, Option(help="Tokenizer of the model.", show_default="the checkpoint's own")
    ] = None,
    dataset: Annotated[
        str | None,
        Option(
            help="Data set of the Hub that holds the benchmark, as OWNER/NAME: results are written "
            "for the model's repository, too."
        ),
    ] = None,
    batch_size: Annotated[int, Option(min=1, help="Passages in a forward pass.")] = 32,
    output: Annotated[
        Path | None, Option("--output", "-o", help="A folder for the record.")
    ] = None,
) -> None:
    """Fill in the words of a fixed benchmark, the same for every tokenizer, at every block."""
    starts_anew()
    require_present(checkpoints=(model, tokenizer))
    from hf_apt.cli.tables import bench as table
    from hf_apt.cli.tables.show import show, show_paths
    from hf_apt.hub.card_folder import write_card
    from hf_apt.hub.client import require_repo_name
    from hf_apt.hub.resources import resource
    from hf_apt.ownership import require_ours
    from hf_apt.runs.pipeline import is_main

    if dataset is not None:
        require_repo_name(dataset)
        if output is None:
            raise ValueError("--dataset is for the file of results: give -o FOLDER, too.")
    if output is not None:
        require_ours(output, "bench")
        writes_into(output)
    result, facts = _measured(
        model, tokenizer, data or resource("benchmarks/apt-bench"), batch_size
    )
    if not is_main():
        return
    record = facts | result.record()
    show(record, (table,))
    if output is not None:
        files = _files(record, dataset)
        write_card(output, files, "bench")
        show_paths(**dict(zip(("record", "results"), map(output.joinpath, files), strict=False)))


def _measured(
    name: str, tokenizer: str | None, data: Path, batch_size: int
) -> tuple["BenchResult", dict[str, Any]]:
    """The result, and what else its record says: the model and where it was measured."""
    from datetime import UTC, datetime

    from hf_apt.data.bench.benchmark import read_benchmark
    from hf_apt.data.tokenizer import load_tokenizer
    from hf_apt.depths.bench.word_bench import bench
    from hf_apt.models.devices import to_device
    from hf_apt.models.loading import load_masked_lm
    from hf_apt.models.weights_digest import model_digest
    from hf_apt.records.checkpoints import pinned
    from hf_apt.records.environment import environment
    from hf_apt.runs.measured_checkpoint import is_causal_checkpoint
    from hf_apt.runs.option_checks import require_checkpoint

    benchmark = read_benchmark(data)  # before the weights: a mistake is said at once
    path = pinned(name)
    require_checkpoint(path)
    if is_causal_checkpoint(path):
        raise ValueError(f"{name} is a causal model, which fills no masks: it cannot be asked.")
    loaded = to_device(load_masked_lm(path))
    result = bench(loaded, load_tokenizer(tokenizer or path), benchmark, batch_size=batch_size)
    facts = {
        "model": Path(path).name if Path(path).is_dir() else path,
        "weights": model_digest(loaded),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "environment": environment(),
    }
    return result, facts


def _files(record: dict[str, Any], dataset: str | None) -> dict[str, bytes]:
    import json

    from hf_apt.hub.bench_results import bench_results_yaml

    name = record["benchmark"]
    files = {f"{name}.json": (json.dumps(record, indent=1) + "\n").encode()}
    if dataset is not None:
        files[f".eval_results/{name}.yaml"] = bench_results_yaml(record, dataset).encode()
    return files
