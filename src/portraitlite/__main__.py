"""`python -m portraitlite` is the `portraitlite` command."""

from portraitlite.cli import main

main()
