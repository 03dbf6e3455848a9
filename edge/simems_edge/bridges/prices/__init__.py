"""Prices of the day ahead: asked for over HTTP, kept on disk, published as channels while they are valid.

Enters: a document with prices of whole local days. Leaves: the price now, the next one and how far they reach, in the
site's currency per kWh. Never happens here: a day with a gap, a doubled slot or an absurd number taken in part; a price
that has ended shown as valid.
"""

from simems_edge.bridges.prices.feed import PriceFeed, price_channels

__all__ = ["PriceFeed", "price_channels"]
