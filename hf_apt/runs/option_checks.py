"""Whether the options of a run go together, before anything is read, written or computed."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.sequences import Layout
from hf_apt.depths.head_config import DECODER_KINDS, heads_among, lenses_among
from hf_apt.models.devices import free_memory, has_accelerator, part_of_batch, process_state
from hf_apt.models.generator_shape import HEADS
from hf_apt.models.shapes import ModelShape, require_shape, size_of_generator
from hf_apt.reading import first_line
from hf_apt.records.checkpoints import checkpoint_path, require_folder
from hf_apt.records.run import Run
from hf_apt.runs.recipes import RunConfig
from hf_apt.runs.starting.objective_files import require_objective_files
from hf_apt.stats.config_checks import (
    require_one_of,
    require_whole,
)
from hf_apt.training.costs.model_costs import FLOAT, ModelCosts
from hf_apt.training.sharding import is_asked_for

_PACKAGES: dict[str, tuple[str, ...]] = {
    "azure_ml": ("azureml",),
    "codecarbon": ("codecarbon",),
    "comet_ml": ("comet_ml",),
    "clearml": ("clearml",),
    "dagshub": ("dagshub", "mlflow"),
    "dvclive": ("dvclive",),
    "flyte": ("flytekit",),
    "kubeflow": ("kubeflow",),
    "mlflow": ("mlflow",),
    "neptune": ("neptune",),
    "swanlab": ("swanlab",),
    "tensorboard": ("tensorboard",),
    "trackio": ("trackio",),
    "wandb": ("wandb",),
}
"""The trackers that the Trainer knows, each with the packages that it needs."""
_IN_TRAINING = 4
"""Numbers that training keeps of each parameter: itself, its gradient, and Adam's two moments."""
_TO_INSTALL: dict[str, str] = {"azureml": "azureml-core"}
"""Names in the package index, where they are not those of the import."""


def require_valid(config: RunConfig, *, num_processes: int | None = None) -> None:
    """Raise ValueError, with the option to change, unless a run can be made of `config`.

    What a configuration can tell of itself it refuses when it is made; this is what several of them
    have to agree on, what is installed, and whether the files are there that objectives name. It
    reads no text and no weight: of a checkpoint to go on from its configuration and, where another
    is named, its tokenizer. None for `num_processes` stands for the number that `torchrun` or
    `accelerate launch` has started.
    """
    if num_processes is None:
        num_processes = int(os.environ.get("WORLD_SIZE", "1"))
    require_whole(config, "sequence_length", least=3)
    require_whole(config, "vocab_size")
    require_one_of(config, "layout", get_args(Layout))
    require_one_of(config, "head_kinds", DECODER_KINDS["all"])
    if config.pretrain.num_steps:
        require_shape(config.shape)
        _require_windows(config)
        _require_generator(config)
        _require_causal(config)
        require_objective_files(config.pretrain.objectives)
        part_of_batch(
            config.pretrain.batch_size, num_processes * config.pretrain.accumulation_steps
        )
        _require_trackers(config.pretrain.report_to)
        if config.pretrain.blocks_of is not None:
            require_checkpoint(config.pretrain.blocks_of)
        if config.pretrain.start_from is not None:
            from hf_apt.runs.starting.continuation import require_continuable

            require_checkpoint(config.pretrain.start_from)
            require_continuable(config)
        else:
            _require_positions(config)
    if not isinstance(config.corpus, CorpusSource):
        config.corpus.require_fits(config.sequence_length, config.layout, config.tokenizer)
    lenses = lenses_among(config.head_kinds)
    if lenses and num_processes > 1:
        raise ValueError(
            f"a {lenses[0]} lens is fitted by one process, and {num_processes} were started: leave "
            "it out by --heads none, and measure the checkpoint without torchrun or accelerate "
            "launch."
        )
    if heads_among(config.head_kinds) and config.heads.batch_size % num_processes:
        raise ValueError(
            f"the heads' batch of {config.heads.batch_size} sequences cannot be divided among "
            f"{num_processes} processes: start a number of processes that divides it, or leave "
            "the heads out by --heads none."
        )


def require_run(run: Run) -> None:
    """Raise ValueError unless the folder of `run` is a run's, by its configuration."""
    config = run.read_json("config.json")
    parts = ("corpus", "measure")
    if not isinstance(config, dict) or not all(isinstance(config.get(key), dict) for key in parts):
        raise ValueError(
            f"{run.folder} is no hf_apt run: its config.json holds no corpus and no measure, so "
            "that it belongs to something else. Give the folder that `hf-apt run` made."
        )


def require_checkpoint(name: str) -> None:
    """Raise ValueError unless `name` is a shipped checkpoint, a folder with one, or on the Hub.

    Of one on the Hub the configuration is downloaded, and nothing else.
    """
    place = Path(checkpoint_path(name)).expanduser()
    if place.is_dir():
        if not (place / "config.json").exists():
            raise ValueError(
                f"{place} holds no checkpoint, it has no config.json: give a folder that "
                "`save_pretrained` made, or that of a run."
            )
        return
    if place.exists():
        raise ValueError(f"{place} is a file: give the folder of a checkpoint, or a Hub id.")
    require_folder(name)
    _require_on_hub(name)


def _require_on_hub(name: str) -> None:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        hf_hub_download(name, "config.json")
    except HFValidationError:
        raise ValueError(
            f"there is no checkpoint {name!r}: it is no folder, and no name of the Hub."
        ) from None
    except HfHubHTTPError as error:
        raise ValueError(
            f"there is no checkpoint {name!r}: it is no folder, and the Hub answers: "
            f"{first_line(error)}"
        ) from error
    except OSError as error:
        raise ValueError(
            f"there is no checkpoint {name!r}: it is no folder, it has not been downloaded "
            f"before, and the Hub cannot be asked ({type(error).__name__})."
        ) from error


def require_memory(config: RunConfig) -> None:
    """Raise ValueError for a model that the memory cannot hold for a single step of training.

    Where weights are sharded, it has to hold them once, as each process makes the whole model.
    """
    if not config.pretrain.num_steps:
        return
    import psutil

    shape = config.shape
    num_parameters = _num_parameters(config)
    copies = 1 if is_asked_for() else _IN_TRAINING
    needed, free = copies * FLOAT * num_parameters, psutil.virtual_memory().available
    if needed > free and has_accelerator():  # asked last: it takes seconds
        device: Any = process_state().device
        free = max(free, free_memory(device))
    if needed > free:
        beside = " with its generator" if shape.generator else ""
        raise ValueError(
            f"a model{beside} of --hidden-size {shape.hidden_size} --num-blocks {shape.num_blocks} "
            f"--vocab-size {config.vocab_size} for sequences of {config.sequence_length} tokens "
            f"takes {needed / 2**30:,.1f} GiB in training, and {free / 2**30:,.1f} GiB are free: "
            "choose a smaller one."
        )


def _num_parameters(config: RunConfig) -> int:
    """Parameters of the model and of a generator beside it; tables that they share count once.

    Tables that a discriminator reads, too, are as wide as it is, not as the generator.
    """
    shape, generator = config.shape, config.shape.generator

    def num_of(size: ModelShape) -> int:
        sizes = {"vocab_size": config.vocab_size, "sequence_length": config.sequence_length}
        return ModelCosts(shape=size, **sizes).num_parameters

    if generator is None:
        return num_of(shape)
    size = size_of_generator(shape, generator)
    widths = {"none": size.hidden_size, "disentangled": shape.hidden_size, "shared": 0}
    wider = widths[generator.embeddings] - size.hidden_size
    num_rows = config.vocab_size + config.sequence_length
    return num_of(shape) + num_of(size) + num_rows * wider


def _require_windows(config: RunConfig) -> None:
    for width, share in config.pretrain.windows:
        is_divisor = config.layout == "packed" and width > 0 and not config.sequence_length % width
        if not is_divisor or not 0 < share <= 1:
            raise ValueError(
                f"a window of {width} tokens until {share} of the steps does not go with sequences "
                f"of {config.sequence_length} tokens: windows need packed sequences of a multiple "
                "of their width, and shares between 0 and 1."
            )


def _require_generator(config: RunConfig) -> None:
    """A generator belongs to the objectives of its discriminator, and each of these to a head."""
    generator, pretrain = config.shape.generator, config.pretrain
    asked = {each.name for each in pretrain.objectives if each.name in HEADS and each.weight}
    if asked != set(generator.heads if generator else ()):
        raise ValueError(
            f"the discriminator has the heads {', '.join(generator.heads) or 'none'}, and the "
            f"objectives train {', '.join(asked) or 'none'}: make them the same."
            if generator
            else f"the objective {min(asked)} needs a generator: give shape.generator, a "
            "GeneratorShape with that head."
        )
    if generator and not asked:
        raise ValueError(
            "a generator alone is a masked LM: add an objective of its discriminator, such as "
            "--objective replaced_tokens:weight=50, or leave out --generator."
        )
    if generator and (pretrain.compile or is_asked_for()):
        what = "--compile" if pretrain.compile else "--use_fsdp"
        raise ValueError(f"a generator and its discriminator take no {what}: leave it out.")


def _require_causal(config: RunConfig) -> None:
    """Next tokens are asked of a BERT by a mask of attention, which hides what comes later."""
    shape, pretrain = config.shape, config.pretrain
    if not pretrain.causal_share:
        return
    for what, is_there in (
        ("a convolutional front-end, which sees what comes later", shape.conv),
        ("a generator", shape.generator),
        ("--compile", pretrain.compile),
    ):
        if is_there:
            raise ValueError(
                f"--causal-share {pretrain.causal_share:g} does not go with {what}: leave one out."
            )


def _require_trackers(trackers: tuple[str, ...]) -> None:
    if trackers in (("all",), ("none",)):
        return
    for tracker in trackers:
        if tracker not in _PACKAGES:
            raise ValueError(f"there is no tracker {tracker!r}: choose of {', '.join(_PACKAGES)}.")
        missing = [name for name in _PACKAGES[tracker] if not _is_installed(name)]
        if missing:
            names = " ".join(_TO_INSTALL.get(name, name) for name in missing)
            raise ValueError(
                f"the tracker {tracker} is not installed: install it by `pip install {names}`, or "
                f"leave out --report-to {tracker}."
            )


def _is_installed(package: str) -> bool:
    # Either of two packages writes TensorBoard's files.
    names = (package, "tensorboardX") if package == "tensorboard" else (package,)
    return any(find_spec(name) is not None for name in names)


def _require_positions(config: RunConfig) -> None:
    """The model has as many positions as its sequences have tokens; a task may not ask for more."""
    if config.finetune is None:
        return
    training: Any = config.finetune.finetune
    lengths = [config.finetune.features.sequence_length]
    longest = max([*lengths, training.sequence_length] if training else lengths)
    if longest > config.sequence_length:
        raise ValueError(
            f"the task {config.finetune.task.name} reads texts of {longest} tokens, and the model "
            f"has only {config.sequence_length} positions: choose a --sequence-length of at least "
            f"{longest}, or --task none."
        )
