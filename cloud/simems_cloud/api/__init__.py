"""The HTTP face: routes of every domain, live values, health, the built portal.

Enters: requests of signed-in people. Leaves: JSON, problem+json, WebSocket messages.
Never here: SQL, rules of a domain.
"""
