"""python3 -m unittest, in this directory."""
import json
import os
import shutil
import tempfile
import time
import unittest

import switchback_hook as hook


class TheProvider(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)
        self.hook = hook.switchback_hook()
        self.hook.directory = self.dir

    def mark(self, *lines):
        with open(os.path.join(self.dir, "mark"), "w") as mark:
            mark.write("\n".join(lines) + "\n")

    def events(self):
        with open(os.path.join(self.dir, "events")) as spool:
            return [json.loads(line) for line in spool]

    def test_without_a_mark_a_takeover_passes(self):
        self.assertEqual(0, self.hook.preTakeover(False))

    def test_a_living_mark_refuses_a_takeover_by_hand_and_says_how_to_override(self):
        self.mark("owner aa11", "expires %d" % (time.time() + 600))
        self.assertNotEqual(0, self.hook.preTakeover(False))
        self.assertIn("mark", self.hook.tracer.lines[0])
        os.remove(os.path.join(self.dir, "mark"))
        self.assertEqual(0, self.hook.preTakeover(False))

    def test_the_owners_own_takeover_passes_by_its_allow_entry(self):
        now = time.time()
        self.mark("owner aa11", "expires %d" % (now + 600), "allow %d" % (now + 120))
        self.assertEqual(0, self.hook.preTakeover(False))
        self.mark("owner aa11", "expires %d" % (now + 600), "allow %d" % (now - 1))
        self.assertNotEqual(0, self.hook.preTakeover(False))

    def test_a_mark_that_expired_or_lives_too_long_or_makes_no_sense_owns_nothing(self):
        now = time.time()
        for lines in (["owner aa11", "expires %d" % (now - 1)], ["owner aa11", "expires %d" % (now + 5000)],
                      ["owner aa11"], ["expires %d" % (now + 60)], ["owner aa11", "expires soon"], [""], ["\x00\x01"]):
            self.mark(*lines)
            self.assertEqual(0, self.hook.preTakeover(False), lines)

    def test_a_mark_that_cannot_be_read_owns_nothing_and_blocks_nothing(self):
        os.mkdir(os.path.join(self.dir, "mark"))
        self.assertEqual(0, self.hook.preTakeover(False))
        os.rmdir(os.path.join(self.dir, "mark"))
        os.mkfifo(os.path.join(self.dir, "mark"))
        began = time.time()
        self.assertEqual(0, self.hook.preTakeover(False))
        self.assertLess(time.time() - began, 1)

    def test_events_are_appended_one_line_each(self):
        self.assertEqual(0, self.hook.srConnectionChanged({"hostname": "dba01", "system_status": 15, "is_in_sync": True, "siteName": ""}))
        self.assertEqual(0, self.hook.srServiceStateChanged({"service_name": "indexserver", "service_status": "no"}))
        self.assertEqual(0, self.hook.postTakeover(0))
        self.assertEqual(["srConnectionChanged", "srServiceStateChanged", "postTakeover"], [e["event"] for e in self.events()])
        self.assertEqual("15", self.events()[0]["system_status"])

    def test_hana_never_notices_a_spool_that_cannot_be_written(self):
        for make in (lambda p: os.mkdir(p), lambda p: os.mkfifo(p), lambda p: os.symlink("/dev/full", p)):
            path = os.path.join(self.dir, "events")
            make(path)
            began = time.time()
            self.assertEqual(0, self.hook.srConnectionChanged({"a": "b"}))
            self.assertEqual(0, self.hook.startup("h", "1", "primary"))
            self.assertLess(time.time() - began, 1)
            os.rmdir(path) if os.path.isdir(path) else os.remove(path)
        self.hook.directory = "/nonexistent"
        self.assertEqual(0, self.hook.srServiceStateChanged(None))
        self.assertEqual(0, self.hook.srServiceStateChanged(object()))

    def test_the_spool_is_cut_off_and_keeps_one_older_part(self):
        for _ in range(3):
            with open(os.path.join(self.dir, "events"), "ab") as spool:
                spool.write(b"{}\n" * (hook.SPOOL // 3 + 10))
            self.hook.failover("h", "1", "primary")
        self.assertEqual(["events.1"], sorted(os.listdir(self.dir)))

    def test_it_opens_no_network_connection(self):
        with open(hook.__file__) as source:
            for line in source:
                self.assertFalse(line.startswith(("import socket", "import ssl", "import http", "import urllib", "import subprocess")), line)

    def test_it_says_who_it_is(self):
        self.assertEqual({"provider_company", "provider_name", "provider_description", "provider_version"}, set(self.hook.about()))


if __name__ == "__main__":
    unittest.main()
