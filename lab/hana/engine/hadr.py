"""Lab: loads one HA/DR provider and calls one of its methods.

What HANA's nameserver does inside itself: a class named like its file, derived
from hdb_ha_dr.client.HADRBase. Arguments: directory, provider, method, and the
method's keyword arguments as JSON. Prints "rc=<number>".
"""
import importlib
import json
import sys
import types


class Tracer(object):
    """Writes to the nameserver's trace."""

    def _say(self, text, *args):
        sys.stderr.write("ha_dr_provider: %s\n" % (text % args if args else text))

    debug = info = warning = error = fatal = _say


class HADRBase(object):
    """What HANA gives every provider."""

    def __init__(self, *args, **kwargs):
        self.tracer = Tracer()


client = types.ModuleType("hdb_ha_dr.client")
client.HADRBase = HADRBase
package = types.ModuleType("hdb_ha_dr")
package.client = client
sys.modules["hdb_ha_dr"], sys.modules["hdb_ha_dr.client"] = package, client
sys.dont_write_bytecode = True
directory, provider, method, arguments = sys.argv[1:5]
sys.path.insert(0, directory)
loaded = getattr(importlib.import_module(provider), provider)()
loaded.about()
call = None if method == "about" else getattr(loaded, method, None)
print("rc=%d" % (call(**json.loads(arguments)) if call else 0))
