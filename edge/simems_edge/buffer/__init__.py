"""The disk between the cycle and the cloud: what was recorded stays until it is acknowledged.

Enters: telemetry columns and events, acknowledgements, refusals. Leaves: encoded wire messages in order of their
sequence, history for the local screen, faults of the disk. Promises: what :meth:`Buffer.flush` returned survives a
power cut; a sequence is never used twice, whatever happens to the file; nothing is deleted before it is acknowledged
unless the quota leaves no other way, and then oldest telemetry first, events last, all counted; a corrupt file is set
aside and the box goes on. Never happens here: work on the event loop or the cycle thread, a network call.
"""

from simems_edge.buffer.buffer import Buffer
from simems_edge.buffer.fault import BufferFault, StorageError
from simems_edge.buffer.history import SeriesColumns, downsample
from simems_edge.buffer.store import Frame, Status, Store

__all__ = ["Buffer", "BufferFault", "Frame", "SeriesColumns", "Status", "StorageError", "Store", "downsample"]
