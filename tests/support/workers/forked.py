"""Starts a script in several processes, as torchrun does, that share one import of what it needs.

torchrun imports torch once for itself and once for each process, which takes longer than most
scripts here. A script: `forked.py NUM_PROCESSES SCRIPT ARGUMENTS...`.
"""

import os
import runpy
import socket
import sys

from torch.multiprocessing.spawn import start_processes


def started(rank: int, script: str, number: int, port: int) -> None:
    """Run the script as one of `number` processes that meet at `port`."""
    os.environ |= {
        **{"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)},
        **{"RANK": str(rank), "LOCAL_RANK": str(rank)},
        **{"WORLD_SIZE": str(number), "LOCAL_WORLD_SIZE": str(number)},
    }
    runpy.run_path(script, run_name="__main__")


def free_port() -> int:
    """A port of the loopback that nobody listens to."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


if __name__ == "__main__":
    _, count, name, *arguments = sys.argv
    sys.argv = [name, *arguments]
    runpy.run_path(name, run_name="imported")  # its imports, before the forks
    job = (name, int(count), free_port())
    start_processes(started, job, nprocs=int(count), start_method="fork")
