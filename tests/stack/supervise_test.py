"""deploy/local/supervise with programs that fail in every way it promises to handle."""
import os
import pathlib
import signal
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "deploy/local"))
import supervised  # noqa: E402


class SuperviseTest(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.program = supervised.Supervised(self.scratch.name, "program-0")

    def tearDown(self):
        self.program.ask_to_stop()
        self.program.wait_for_end(10)
        self.scratch.cleanup()

    def start(self, script):
        self.program.start(["/bin/sh", "-c", script])

    def becomes(self, condition):
        self.assertTrue(supervised.wait_until(condition, 20), self.program.state())

    def test_starts_a_program_again_that_fails(self):
        self.start("exit 1")
        self.becomes(lambda: self.program.state()["starts"] >= 3)

    def test_tells_of_a_program_that_is_not_there_and_tries_again(self):
        self.program.start([f"{self.scratch.name}/none"])
        self.becomes(lambda: self.program.state()["starts"] >= 2)
        self.assertEqual(self.program.state()["last_exit"], 127)
        self.assertIn("cannot start", self.program.last_lines(1)[0])

    def test_starts_a_program_again_that_was_killed(self):
        self.start("exec sleep 60")
        self.becomes(self.program.pid)
        first = self.program.pid()
        self.assertTrue(self.program.kill())
        self.becomes(lambda: self.program.pid() not in (None, first))
        self.assertEqual(self.program.state()["last_exit"], -signal.SIGKILL)

    def test_leaves_alone_what_needs_a_person(self):
        for status in (2, 3):
            with self.subTest(status):
                self.start(f"exit {status}")
                self.becomes(lambda: self.program.supervisor() is None)
                self.assertEqual(self.program.state()["starts"], 1)
                self.assertEqual(self.program.state()["last_exit"], status)

    def test_ends_with_a_program_that_stopped_as_asked(self):
        self.start("exit 0")
        self.becomes(lambda: self.program.supervisor() is None)
        self.assertEqual(self.program.state()["starts"], 1)

    def test_hands_a_request_to_stop_on_and_waits(self):
        self.start("trap 'echo drained; exit 0' TERM; echo up; while :; do sleep 0.05; done")
        self.becomes(lambda: "up" in self.program.last_lines())
        self.program.ask_to_stop()
        self.assertTrue(self.program.wait_for_end(20))
        self.assertIn("drained", self.program.last_lines())

    def test_stops_while_it_waits_to_start_again(self):
        self.start("exit 1")
        self.becomes(lambda: self.program.state()["starts"] >= 4)  # the next pause is 1.6 s
        self.program.ask_to_stop()
        self.assertTrue(self.program.wait_for_end(20))

    def test_program_does_not_outlive_a_killed_supervisor(self):
        self.start("exec sleep 60")
        self.becomes(self.program.pid)
        pid = self.program.pid()
        os.kill(self.program.supervisor(), signal.SIGKILL)
        self.becomes(lambda: not supervised.process_runs(pid))

    def test_kills_what_does_not_stop_in_time(self):
        self.start("trap '' TERM; echo up; while :; do sleep 0.05; done")
        self.becomes(lambda: "up" in self.program.last_lines())
        self.assertEqual(supervised.stop_all([self.program], 0.3), ["program-0"])
        self.assertIsNone(self.program.pid())


if __name__ == "__main__":
    unittest.main()
