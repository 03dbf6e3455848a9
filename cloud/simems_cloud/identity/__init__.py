"""People: sign-in and who one is.

Enters: e-mail and password. Leaves: access tokens, the signed-in person.
Never here: a password in clear, kept or logged.
"""
