"""The parts of `hf_apt.records.run.Run` that are ideas of their own."""
