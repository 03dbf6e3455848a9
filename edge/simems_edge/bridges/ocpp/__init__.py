"""Charging stations by OCPP 1.6J and 2.0.1: this edge is their management system.

Enters: messages of stations that the site file lists, setpoints by address. Leaves: values in the image, charging
profiles that end by themselves, sessions on disk before they are acknowledged. Never happens here: a raise that the
caps of a cluster do not carry while others may still draw what they had; a transaction lost or counted twice.
"""
