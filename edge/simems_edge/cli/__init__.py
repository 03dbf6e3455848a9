"""The command line: ``simems-edge``.

Enters: arguments and files. Leaves: text or JSON on stdout, problems on stderr, an exit code (0 fine, 1 the thing
checked is wrong, 2 bad input or usage, 3 unreachable). Never happens here: any calculation or control.
"""
