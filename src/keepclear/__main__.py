"""`python -m keepclear` is the command line."""

from keepclear.host.cli import main

if __name__ == "__main__":
    main()
