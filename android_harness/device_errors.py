"""What can go wrong between this machine and a phone."""

from __future__ import annotations

from portraitlite.runtime.errors import CheckFailedError, MissingDependencyError

__all__ = ["DeviceError", "DeviceLostError", "PhoneProgramError"]


class DeviceError(MissingDependencyError):
    """The phone cannot be used as it is: not there, not authorised, full, of another ABI."""


class DeviceLostError(DeviceError):
    """The phone went away in the middle of a command: unplugged, restarted, or its adb daemon was killed."""


class PhoneProgramError(CheckFailedError):
    """The phone is fine, but a program on it failed, was killed, or did not answer as agreed."""
