"""A stand-in for HANA's hdb_ha_dr.client, for tests only."""


class Tracer(object):
    """Keeps what is traced."""

    def __init__(self):
        self.lines = []

    def error(self, text):
        self.lines.append(text)


class HADRBase(object):
    """What HANA's base class gives a provider."""

    def __init__(self, *args, **kwargs):
        self.tracer = Tracer()
