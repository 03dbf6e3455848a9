"""A site of one battery that does what it is told, stepped second by second: `from safety_bench import Bench`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
