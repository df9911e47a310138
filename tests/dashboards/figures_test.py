"""Numbers, words and colours of deploy/grafana/preview are Grafana's."""
import math
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "deploy/grafana/tools"))
import figures  # noqa: E402


def field(unit="short", steps=((None, "green"),), mappings=(), **more):
    return {"unit": unit, "mappings": list(mappings), **more,
            "thresholds": {"steps": [{"value": value, "color": colour} for value, colour in steps]}}


WORDS = [{"type": "value", "options": {"0": {"text": "down", "color": "red"}}},
         {"type": "special", "options": {"match": "null+nan",
                                         "result": {"text": "gone", "color": "yellow"}}}]


class FiguresTest(unittest.TestCase):
    def test_shows_numbers_in_their_unit(self):
        for unit, value, text in (
                ("short", 0, "0"), ("short", 999, "999"), ("short", 1234, "1.23 K"),
                ("short", 12345678, "12.3 M"), ("bytes", 1536, "1.50 KiB"), ("bytes", 0, "0 B"),
                ("bytes", 3 * 1024 ** 3, "3 GiB"), ("percentunit", 0.123, "12.3 %"),
                ("s", 0.00025, "250 µs"), ("s", 0.02, "20 ms"), ("s", 61, "61 s"),
                ("s", 600, "10 min"), ("s", 0, "0 s"), ("suffix: img/s", 4, "4 img/s"),
                ("short", math.nan, "No data")):
            with self.subTest(unit, value=value):
                self.assertEqual(figures.shown(value, field(unit)), text)

    def test_keeps_to_the_decimals_asked_for(self):
        self.assertEqual(figures.shown(1.26, field(decimals=1)), "1.3")
        self.assertEqual(figures.shown(0.126, field("percentunit", decimals=0)), "13 %")

    def test_words_stand_for_numbers(self):
        self.assertEqual(figures.shown(0, field(mappings=WORDS)), "down")
        self.assertEqual(figures.shown(1, field(mappings=WORDS)), "1")
        self.assertEqual(figures.shown(math.nan, field(mappings=WORDS)), "gone")

    def test_colours_are_those_reached(self):
        steps = ((None, "green"), (1, "orange"), (10, "red"))
        for value, colour in ((0, "green"), (1, "orange"), (9.9, "orange"), (10, "red")):
            self.assertEqual(figures.colour(value, field(steps=steps)), figures.COLOURS[colour])
        self.assertEqual(figures.colour(0, field(mappings=WORDS)), figures.COLOURS["red"])

    def test_last_is_the_newest_number(self):
        self.assertEqual(figures.last({"values": [[1, "5"], [2, "7"], [3, "NaN"]]}), 7)
        self.assertTrue(math.isnan(figures.last({"values": [[1, "NaN"]]})))


if __name__ == "__main__":
    unittest.main()
