"""What every room of the edge may stand on: tasks that end together, and end when they are told to.

Never here: anything about sites, devices or messages.
"""
