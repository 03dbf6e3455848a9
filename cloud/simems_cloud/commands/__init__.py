"""Commands to sites: made and signed for a person, sent by ingest, answered by the device.

Enters: what people ask through the API or the command line; acknowledgements of devices. Leaves: signed commands that
wait in the table, results. Never here: a signature without a person's permission at that site, a secret key in the
hands of ingest, a state that goes back.
"""
