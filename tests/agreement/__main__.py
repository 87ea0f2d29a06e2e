"""`python -m tests.agreement` is the long search."""

import sys

from tests.agreement.search import main

if __name__ == "__main__":
    sys.exit(main())
