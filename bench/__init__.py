"""Figures of the product, each a ratio to a named reference measured in the same run.

The machine is shared and noisy, so nothing here is an assert; a figure that misses its goal stays in the table.
"""
