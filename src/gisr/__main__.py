"""The ``gisr`` command, also as ``python -m gisr`` for launchers that want a module (torchrun)."""

import sys


def main() -> int:
    """Run the command line; Ctrl-C while it is being loaded ends it as one does later.

    Returns:
        The exit code.
    """
    try:
        from gisr.apps.streams import finished, open_streams

        open_streams()
        from gisr.apps.cli import main as run

        return finished(run())
    except KeyboardInterrupt:
        print("gisr: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
