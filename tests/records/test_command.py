"""The command line is repeated so that a shell takes it."""

from hf_apt.records.command import typed_command


def test_a_command_can_be_typed_again_and_holds_no_secret(monkeypatch):
    token = "hf_" + "a" * 34
    monkeypatch.setattr("sys.argv", ["/usr/bin/hf-apt", "diff", "a b", "c", f"--keep={token}"])
    command = typed_command()
    assert command.startswith("hf-apt diff 'a b' c ")
    assert token not in command


def test_the_program_is_called_by_its_name(monkeypatch):
    monkeypatch.setattr("sys.argv", ["/usr/bin/hf-apt", "run", "my corpus.txt", "--steps", "3"])
    assert typed_command() == "hf-apt run 'my corpus.txt' --steps 3"


def test_the_package_run_as_a_module_is_recorded_as_the_program(monkeypatch):
    monkeypatch.setattr("sys.argv", ["/site-packages/hf_apt/__main__.py", "measure", "m", "t"])
    assert typed_command() == "hf-apt measure m t"
    monkeypatch.setattr("sys.argv", ["/mine/__main__.py", "--steps", "3"])
    assert typed_command() == "__main__.py --steps 3"
