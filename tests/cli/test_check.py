"""`hf-apt check` tests a checkpoint, and ends with 1 where a check fails."""

import torch
from typer.testing import CliRunner

from hf_apt.cli.app import app


def test_is_my_checkpoint_whole(checkpoint):
    result = CliRunner().invoke(app, ["check", str(checkpoint)])
    assert result.exit_code == 0, result.output
    assert "Bert6ForMaskedLM: " in result.output
    assert "0 failed" in result.output
    assert max(map(len, result.output.splitlines())) <= 80


def test_a_failed_check_is_the_exit_code(checkpoint, monkeypatch):
    from hf_apt.runs import measured_checkpoint

    load = measured_checkpoint.load_measured

    def untied(name):
        model = load(name)
        decoder = model.get_output_embeddings()
        decoder.weight = torch.nn.Parameter(2 * decoder.weight.detach())
        return model

    monkeypatch.setattr(measured_checkpoint, "load_measured", untied)
    result = CliRunner().invoke(app, ["check", str(checkpoint)])
    assert result.exit_code == 1, result.output
    assert "1 failed" in result.output
    assert "model.tie_weights()" in " ".join(result.output.split())


def test_a_text_that_cannot_be_read_is_refused(checkpoint, tmp_path):
    result = CliRunner().invoke(app, ["check", str(checkpoint), "--text", str(tmp_path / "no")])
    assert result.exit_code == 2
    assert "no cannot be read as text in UTF-8" in result.output
