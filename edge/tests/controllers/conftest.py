"""The rig of one battery behind a meter, stepped cycle by cycle: `from rig import Rig`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
