"""What methods wrote is copied, and nothing else is."""

from hf_apt.training.methods.kept_files import keep_files


def test_records_and_pictures_are_kept_and_checkpoints_are_not(tmp_path):
    training, folder = tmp_path / "training", tmp_path / "model"
    (training / "checkpoint-3").mkdir(parents=True)
    for name in ("training_dynamics.npz", "data_map.png", "trainer.json", "checkpoint-3/a.npz"):
        (training / name).write_text(name)
    kept = keep_files(training, folder)
    assert [path.name for path in kept] == ["data_map.png", "training_dynamics.npz"]
    assert {path.name for path in folder.iterdir()} == {"data_map.png", "training_dynamics.npz"}


def test_without_any_no_folder_is_made(tmp_path):
    assert keep_files(tmp_path / "nowhere", tmp_path / "model") == []
    assert not (tmp_path / "model").exists()
