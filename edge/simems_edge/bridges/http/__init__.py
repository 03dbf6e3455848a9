"""Devices that answer JSON over HTTP, and prices of the day ahead from an HTTP source.

Enters: documents of devices; setpoints by address. Leaves: values in the image as of their arrival, problems by code.
Never happens here: an answer that is late, cut, redirected, oversized or of another type taken for a value; a request
that the profile does not list.
"""

from simems_edge.bridges.http.bridge import HttpBridge

__all__ = ["HttpBridge"]
