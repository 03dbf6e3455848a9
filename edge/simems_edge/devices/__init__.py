"""Devices as data, and the pure codecs that read them.

Enters: the name of a profile; registers that a bridge has read. Leaves: :class:`Profile`; values in SI units with our
signs; registers to write. Never happens here: any input or output, any clock, any decision about power.
"""

from simems_edge.devices.profile import Profile, ProfileChannel, ProfileError, load_profile, profile_names

__all__ = ["Profile", "ProfileChannel", "ProfileError", "load_profile", "profile_names"]
