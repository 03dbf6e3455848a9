"""The four tables of Modbus (Application Protocol 1.1b3, 4.3)."""

from typing import Final, Literal

Table = Literal["holding", "input", "coil", "discrete"]
BIT_TABLES: Final = frozenset({"coil", "discrete"})
WRITABLE_TABLES: Final = frozenset({"holding", "coil"})
