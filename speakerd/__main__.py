"""`python -m speakerd` is the command `speakerd`."""

import sys

from speakerd.cli import main

sys.exit(main())
