"""`python -m hf_apt.cli`: the command line, as `torchrun -m` calls it."""

from hf_apt.cli import main

if __name__ == "__main__":
    main()
