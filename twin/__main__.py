"""`python -m twin` is the same as `twin`."""

import sys

from twin.cli import main

sys.exit(main())
