"""HA/DR provider of Switchback for SAP HANA.

HANA's nameserver loads the class below (global.ini, section
ha_dr_provider_switchback). It appends what happens to the file "events" in its
own directory, which Switchback's watch reads over SSH, and refuses a takeover
by hand while a procedure owns the system (file "mark").

It opens no network connection, waits for nothing and fails nothing: whatever
goes wrong in here, HANA gets 0. The override is to remove the file "mark".
"""
from __future__ import print_function

import json
import os
import stat
import time

try:
    from hdb_ha_dr.client import HADRBase
except ImportError:  # outside of HANA: tests bring a stand-in
    from hadr_stand_in import HADRBase

HERE = os.path.dirname(os.path.abspath(__file__))
# A mark lives at most 15 minutes; one that claims more is not believed.
LONGEST = 900
# The spool is cut off at this size, in bytes, keeping one older part.
SPOOL = 1 << 20
REFUSED = 1


def append(directory, event):
    """Appends one event as a line of JSON; never raises, never blocks."""
    try:
        path = os.path.join(directory, "events")
        event["at"] = int(time.time())
        line = (json.dumps(event, sort_keys=True, default=str) + "\n").encode("utf-8")
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | getattr(os, "O_NOFOLLOW", 0)
        spool = os.open(path, flags, 0o640)
        try:
            info = os.fstat(spool)
            if not stat.S_ISREG(info.st_mode):
                return
            os.write(spool, line[:4096] if len(line) <= 4096 else line[:4000] + b"...\n")
            if info.st_size > SPOOL:
                os.rename(path, path + ".1")
        finally:
            os.close(spool)
    except Exception:  # pylint: disable=broad-except
        pass


def read_mark(directory):
    """Gives the mark's entries, or nothing when it cannot be understood."""
    path = os.path.join(directory, "mark")
    mark = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(mark).st_mode):
            return {}
        text = os.read(mark, 1000).decode("ascii")
    finally:
        os.close(mark)
    entries = {}
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        entries[key] = value.strip()
    return entries


def owner_of(directory, now):
    """Names the run that owns the system now and does not allow a takeover.

    Missing, expired or unreadable marks own nothing.
    """
    try:
        entries = read_mark(directory)
        owner = entries.get("owner", "")
        expires = int(entries.get("expires", "0"))
        if not owner or not now < expires <= now + LONGEST:
            return ""
        if now <= int(entries.get("allow", "0")) <= now + LONGEST:
            return ""
        return owner
    except Exception:  # pylint: disable=broad-except
        return ""


def plain(params):
    """Gives a dictionary that can be written down."""
    try:
        return dict((str(k), str(v)[:300]) for k, v in dict(params).items())
    except Exception:  # pylint: disable=broad-except
        return {}


class switchback_hook(HADRBase):  # pylint: disable=invalid-name
    """The provider; HANA wants the class to be named like the file."""

    apiVersion = 2  # pylint: disable=invalid-name

    def __init__(self, *args, **kwargs):
        super(switchback_hook, self).__init__(*args, **kwargs)
        self.directory = HERE

    def about(self):
        return {
            "provider_company": "Switchback",
            "provider_name": "switchback_hook",
            "provider_description": "Tells Switchback about system replication and guards takeovers of a procedure",
            "provider_version": "1.0",
        }

    def _note(self, name, params):
        append(self.directory, dict(plain(params), event=name))
        return 0

    def startup(self, hostname, storage_partition, system_replication_mode, **kwargs):
        return self._note("startup", {"hostname": hostname, "mode": system_replication_mode})

    def shutdown(self, hostname, storage_partition, system_replication_mode, **kwargs):
        return self._note("shutdown", {"hostname": hostname, "mode": system_replication_mode})

    def failover(self, hostname, storage_partition, system_replication_mode, **kwargs):
        return self._note("failover", {"hostname": hostname, "mode": system_replication_mode})

    def stonith(self, failingHost, **kwargs):
        return self._note("stonith", {"hostname": failingHost})

    def preTakeover(self, isForce, **kwargs):  # pylint: disable=invalid-name
        """Refuses a takeover while a procedure owns the system."""
        owner = owner_of(self.directory, time.time())
        self._note("preTakeover", {"force": isForce, "refused_for": owner})
        if not owner:
            return 0
        try:
            self.tracer.error("preTakeover: the Switchback run %s owns this system; to override, remove %s"
                              % (owner, os.path.join(self.directory, "mark")))
        except Exception:  # pylint: disable=broad-except
            pass
        return REFUSED

    def postTakeover(self, rc, **kwargs):  # pylint: disable=invalid-name
        return self._note("postTakeover", {"rc": rc})

    def srConnectionChanged(self, ParamDict, **kwargs):  # pylint: disable=invalid-name
        return self._note("srConnectionChanged", ParamDict)

    def srServiceStateChanged(self, ParamDict, **kwargs):  # pylint: disable=invalid-name
        return self._note("srServiceStateChanged", ParamDict)

    def srReadAccessInitialized(self, ParamDict, **kwargs):  # pylint: disable=invalid-name
        return self._note("srReadAccessInitialized", ParamDict)
