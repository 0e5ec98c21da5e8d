"""Train small image classifiers, and see at which block each label can be told apart.

    python examples/image_classifier.py
    python examples/image_classifier.py --data path/to/folder --kinds convnext --num_epochs 10

A ViT, a ConvNeXt and a ResNet begin from their configurations alone and are trained by a plain
`Trainer` on the 8×8 digits that come with scikit-learn, or on a folder with a folder of images for
each label. Then `hf_apt.measure_images` reads all their blocks, on images that none of them has
seen. `<output_dir>/<kind>-<seed>` gets the classifier, its record and its page.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    AutoModelForImageClassification,
    ConvNextConfig,
    HfArgumentParser,
    ResNetConfig,
    Trainer,
    TrainingArguments,
    ViTConfig,
    ViTImageProcessor,
    set_seed,
)

import hf_apt
from hf_apt.cli.tables.show import end_of_study
from hf_apt.data.images.image_task import LabelledImages, open_images
from hf_apt.records.run_folder import writing_run
from hf_apt.stats.estimates import mean_estimate

STAGES: dict[str, Any] = {"hidden_sizes": [16, 32, 64], "depths": [2, 2, 2]}
NARROW: dict[str, Any] = {"hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 4}
KINDS: dict[str, Any] = {
    "vit": lambda: ViTConfig(
        num_channels=1, image_size=8, patch_size=2, num_hidden_layers=6, **NARROW
    ),
    "convnext": lambda: ConvNextConfig(num_channels=3, patch_size=2, num_stages=3, **STAGES),
    "resnet": lambda: ResNetConfig(num_channels=1, embedding_size=16, layer_type="basic", **STAGES),
}
SIZES = {"vit": 8, "convnext": 16, "resnet": 32}  # pixels on a side


@dataclass
class Arguments:
    """What is trained, and on what."""

    kinds: list[str] = field(
        default_factory=lambda: list(KINDS), metadata={"help": "Of vit, convnext and resnet."}
    )
    data: str = field(
        default="digits",
        metadata={"help": "The images: digits, a folder, .parquet files, or a Hub id."},
    )
    output_dir: str = field(default="runs/images", metadata={"help": "The folder that is written."})
    num_seeds: int = field(default=3, metadata={"help": "Classifiers of each kind."})
    num_epochs: int = field(default=20, metadata={"help": "Passes over the training images."})
    train_per_class: int | None = field(
        default=None, metadata={"help": "Images of each label to learn from; all if left out."}
    )
    test_per_class: int | None = field(
        default=None, metadata={"help": "Images of each label to test with."}
    )
    seed: int = field(default=42, metadata={"help": "The first seed of weights and order."})


def main(arguments: list[str] | None = None) -> None:
    """Train and measure each kind with each seed, and print a row for each depth."""
    kinds: Any = Arguments
    (args,) = HfArgumentParser(kinds).parse_args_into_dataclasses(arguments)
    sizes = {"train_per_class": args.train_per_class, "test_per_class": args.test_per_class}
    config = hf_apt.ImagesConfig(source=hf_apt.ImageSource(name=args.data, **sizes))
    task = open_images(config.source)
    for kind in args.kinds:
        results = []
        for seed in range(args.seed, args.seed + args.num_seeds):
            folder = Path(args.output_dir) / f"{kind}-{seed}"
            with writing_run(hf_apt.Run(folder)):
                train(kind, seed, task, args.num_epochs, folder)
                record = hf_apt.measure_images(f"{folder}/checkpoint", config)
                end_of_study(hf_apt.Run(folder), record)
            results.append(record["results"])
        print_table(kind, results)


def train(kind: str, seed: int, task: Any, num_epochs: int, folder: Path) -> None:
    """A classifier of that kind, and its processor, in the folder `checkpoint`."""
    set_seed(seed)
    model_config = KINDS[kind]()
    model_config.id2label = dict(enumerate(task.label_names))
    model_config.label2id = {name: label for label, name in enumerate(task.label_names)}
    half = [0.5] * model_config.num_channels
    size = dict.fromkeys(("height", "width"), SIZES[kind])
    processor = ViTImageProcessor(size=size, image_mean=half, image_std=half)
    model = AutoModelForImageClassification.from_config(model_config)
    trainer = Trainer(
        model,
        TrainingArguments(
            **{"output_dir": f"{folder}/training", "save_strategy": "no", "report_to": []},
            **{"disable_tqdm": True, "logging_strategy": "no", "seed": seed},
            **{"num_train_epochs": num_epochs, "per_device_train_batch_size": 32},
            **{"learning_rate": 1e-3, "lr_scheduler_type": "cosine"},
            **{"warmup_steps": 50, "weight_decay": 0.05},
        ),
        train_dataset=examples(task.train, processor, model_config.num_channels),
    )
    trainer.train()
    for part in (model, processor):
        part.save_pretrained(f"{folder}/checkpoint")


def examples(images: LabelledImages, processor: Any, num_channels: int) -> Any:
    """Images as a Trainer takes them; all pixels are in memory."""
    mode = "L" if num_channels == 1 else "RGB"
    pixels = processor([image.convert(mode) for image in images], return_tensors="pt")
    pairs = zip(pixels["pixel_values"], torch.from_numpy(images.labels), strict=True)
    return [{"pixel_values": each, "labels": label} for each, label in pairs]


def print_table(kind: str, results: list[dict[str, Any]]) -> None:
    """Accuracy by depth and readout: means over seeds, with standard errors over seeds."""
    readouts = list(results[0]["readouts"])
    print(f"\n{kind}, {len(results)} seeds, chance {results[0]['chance']:.3f}")
    print(f"{'':<12}" + "".join(f"{name:<17}" for name in readouts) + "noise")
    print(f"{'pixels':<12}" + shown([each["pixels"]["accuracy"]["value"] for each in results]))
    for depth, name in enumerate(results[0]["depths"]):
        cells = []
        for readout in readouts:
            figures = [each["readouts"][readout][depth] for each in results]
            cells.append(shown([each["accuracy"]["value"] for each in figures if each]))
        noises = [each["readouts"]["linear"][depth]["noise"]["value"] for each in results]
        print(f"{name:<12}" + "".join(f"{cell:<17}" for cell in [*cells, shown(noises)]))


def shown(values: list[float]) -> str:
    """A mean with its standard error over seeds; a dash for none."""
    one = mean_estimate(np.array(values, float))
    return f"{one.value:.3f} ± {one.standard_error:.3f}" if values else "-"


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"{Path(__file__).name}: {error}")
