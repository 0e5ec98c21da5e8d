"""`python -m hf_apt`: the command line."""

from hf_apt.cli import main

if __name__ == "__main__":
    main()
