"""Sim EMS edge: the site controller."""
