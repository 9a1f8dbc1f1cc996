"""`python -m sweeper`: the command line without the console script."""

from sweeper.cli import main

main()
