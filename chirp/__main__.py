"""`python -m chirp`: the command line."""

from chirp.cli.main import main

if __name__ == "__main__":
    main()
