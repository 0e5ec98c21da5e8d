"""The command line, which sends itself SIGTERM in a step of pre-training.

A script: `signalled.py RANKS STEP ARGUMENTS...`, with the ranks of those that send it, `0,1`.
"""

import os
import signal
import sys
from typing import Any

from transformers import TrainerCallback

from hf_apt import cli
from hf_apt.training import pretraining


class Sending(TrainerCallback):
    """Sends this process SIGTERM in a step."""

    def __init__(self, step: int):
        self.step = step

    def on_step_begin(self, args: Any, state: Any, control: Any, **event: Any) -> None:
        if state.global_step == self.step - 1:
            os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    ranks, step, *arguments = sys.argv[1:]
    original = pretraining.pretrainer
    if os.environ["RANK"] in ranks.split(","):
        sending = Sending(int(step))
        pretraining.pretrainer = lambda *args, **options: original(
            *args, callbacks=[sending], **options
        )
    sys.argv = ["hf-apt", *arguments]
    cli.main()
