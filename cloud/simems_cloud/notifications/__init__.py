"""Who is told of an alarm, and that they really are: by e-mail and webhook, at least once, with an id to know repeats
by.

Enters: steps in the lives of alarms, written by the database in the transaction that makes them. Leaves: messages,
and a line for each with how it went. Never here: whether something is an alarm, a message that is lost because its
receiver is down, a request to an address inside our own network (unless the operator allows it). type: backend;
safety impact: none on site control; fallback: what cannot be sent waits for up to a week and is listed; metrics:
``simems_notifications_total``; test plan: a real SMTP server and a real HTTP receiver that fail, hang, and come
back.
"""
