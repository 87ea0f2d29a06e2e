"""`python -m bff_mock_server` is `bff-mock-server`."""

import sys

from bff_mock_server.cli import main

sys.exit(main())
