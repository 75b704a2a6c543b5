"""A network of its own for a process: Linux's network namespace, with loopback and a second address of this machine.

Convention: needs root, or a system that lets users have namespaces; everything that is started from the process is in
the same namespace. No other machine is reached by it, and none reaches it.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct

SECOND_ADDRESS = "192.0.2.7"
"""Nobody's on any network (RFC 5737)."""
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_SET_FLAGS, _SET_ADDRESS = 0x8914, 0x8916
_UP_AND_RUNNING = 0x41


def enter() -> None:
    """Moves this process into a new namespace, in which 127.0.0.1 and the second address are there.

    Raises:
        OSError: the system does not let it.
    """
    user, group = os.getuid(), os.getgid()
    _unshare(_NEW_NETWORK if user == 0 else _NEW_USER | _NEW_NETWORK)
    if user != 0:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        fcntl.ioctl(line, _SET_FLAGS, struct.pack("16sh14x", b"lo", _UP_AND_RUNNING))
        address = socket.inet_aton(SECOND_ADDRESS)
        fcntl.ioctl(line, _SET_ADDRESS, struct.pack("16sHH4s8x", b"lo:1", socket.AF_INET, 0, address))


def _unshare(flags: int) -> None:
    system = ctypes.CDLL(None, use_errno=True)
    if system.unshare(flags) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
