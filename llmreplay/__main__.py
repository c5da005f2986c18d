"""`python -m llmreplay`."""

import sys

from llmreplay.cli import main

sys.exit(main())
