"""Laws of `hf-apt fit-lens`: a file that `hf-apt lens` reads, its cost told before."""

import pytest


@pytest.fixture
def text(documents, tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("\n".join(documents), encoding="utf-8")
    return path


def test_its_file_is_a_lens_of_hf_apt_lens(call, checkpoint, text, tmp_path) -> None:
    path = tmp_path / "lens.safetensors"
    code, out, error = call(
        "fit-lens", checkpoint, text, "--sequences", 2, "--sequence-length", 16, "-o", path
    )
    assert code == 0, error
    assert "TFLOP" in error
    assert f"lens: {path}" in out
    code, out, error = call(
        "lens", "w1 [MASK]", "--model", checkpoint, "--lens", "own_head", "--lens", path
    )
    assert code == 0, error
    assert "own head" in out
    assert "jacobian" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["planted"], "reads natural text"),
        (["missing.txt"], "missing.txt"),
        (["sotu", "-o", "lens.bin"], "no .safetensors file"),
    ],
)
def test_a_mistake_is_one_sentence(call, checkpoint, arguments, words) -> None:
    code, _, error = call("fit-lens", checkpoint, *arguments)
    assert code == 2
    last = error.strip().splitlines()[-1]
    assert last.startswith("hf-apt: ")
    assert words in last
