"""Pictures for the trackers that a Trainer reports to."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure
from transformers.integrations.integration_utils import (
    MLflowCallback,
    TensorBoardCallback,
    TrackioCallback,
    WandbCallback,
)

from trainer_callbacks.peers import peers


def show_picture(figure: Figure, path: Path, name: str, step: int) -> None:
    """Send a picture to TensorBoard, Trackio, Weights & Biases and MLflow, whichever are told.

    Args:
        figure: the picture.
        path: its PNG, which is written already.
        name: what trackers call it at every step, such as `eval/mean_apt_by_depth`.
        step: the optimiser step that it belongs to.
    """
    for peer in peers():
        if isinstance(peer, TensorBoardCallback) and peer.tb_writer is not None:
            peer.tb_writer.add_figure(name, figure, step, close=False)
        elif isinstance(peer, TrackioCallback):
            import trackio

            trackio.log({name: trackio.Image(path), "train/global_step": step})
        elif isinstance(peer, WandbCallback):
            import wandb  # pyright: ignore[reportMissingImports]

            wandb.log({name: wandb.Image(str(path)), "train/global_step": step})
        elif isinstance(peer, MLflowCallback):
            import mlflow  # pyright: ignore[reportMissingImports]
            from PIL import Image

            with Image.open(path) as image:
                mlflow.log_image(image, key=name, step=step, synchronous=True)
