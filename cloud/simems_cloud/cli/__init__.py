"""``simems-cloud``: one small file a command, imported when it is called.

Enters: arguments, environment. Leaves: text or JSON, exit codes
0 fine, 1 checked and wrong, 2 bad input, 3 unreachable.
"""
