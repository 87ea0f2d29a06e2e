"""`python -m bff_contracts` is `bff-contracts`."""

import sys

from bff_contracts.cli import main

sys.exit(main())
