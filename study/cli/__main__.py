"""`python -m study.cli`: the command line without the console script."""

from study.cli import main

main()
