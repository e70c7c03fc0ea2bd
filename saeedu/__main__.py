"""`python -m saeedu` is the `saeedu` command."""

from saeedu.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
