"""Runs the long search: `python -m tests.agreement`."""

import sys

from tests.agreement.search import main

if __name__ == "__main__":
    sys.exit(main())
