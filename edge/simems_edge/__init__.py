"""Sim EMS edge: the site controller."""

from simems_edge.contracts import Context, Controller, Priority, Spec

__all__ = ["Context", "Controller", "Priority", "Spec"]
