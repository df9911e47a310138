"""Plants one violation at a time in a small tree that is otherwise in order."""

import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import check_layers  # noqa: E402

IN_ORDER = {
    "CMakeLists.txt": "",
    ".gitignore": "/build/\n",
    "build/out.o": "",
    "libs/base/ids.h": "#include <string>\n",
    "libs/record/record.h": '#include "libs/base/ids.h"\n',
    "libs/record/codec.cc": '#include "libs/record/record.h"\n#include "winnow/v1/r.pb.h"\n',
    "libs/stream/processor.h": '#include "libs/record/record.h"\n',
    "libs/state/store.h": "#include <memory>\n",
    "libs/state/store.cc": '#include "libs/state/store.h"\n#include <rocksdb/db.h>\n',
    "libs/image/jpeg_parts.h": "#include <jpeglib.h>\n",
    "libs/image/decode.h": '#include "libs/record/record.h"\n',
    "libs/image/decode.cc": '#include "libs/image/decode.h"\n#include "libs/image/jpeg_parts.h"\n',
    "libs/image/decode_test.cc": '#include <gtest/gtest.h>\n#include "libs/testing/images.h"\n',
    "libs/image/CMakeLists.txt": "winnow_test(image_test SOURCES decode_test.cc)\n",
    "libs/testing/images.h": '#include "libs/image/decode.h"\n',
    "services/sink/sink.h": '#include "libs/stream/processor.h"\n',
    "services/deduper/deduper.h": '#include "libs/stream/processor.h"\n',
    "services/winnow/main.cc": '#include <CLI/CLI.hpp>\n#include "services/sink/sink.h"\n',
    "tests/pipeline/driver.h": '#include "libs/state/store.h"\n#include "services/sink/sink.h"\n',
}


def check(changes):
    """The violations in the tree with these files added or replaced."""
    with tempfile.TemporaryDirectory() as directory:
        for name, text in {**IN_ORDER, **changes}.items():
            path = pathlib.Path(directory, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            code = check_layers.main([directory])
        problems = output.getvalue().strip().splitlines() if code else []
        assert (code == 1) == bool(problems), (code, problems)
        return problems


class CheckLayersTest(unittest.TestCase):
    def assert_one(self, changes, place, *words):
        problems = check(changes)
        self.assertEqual(len(problems), 1, problems)
        self.assertTrue(problems[0].startswith(place + ":"), problems)
        for word in words:
            self.assertIn(word, problems[0])

    def test_accepts_a_tree_in_order(self):
        self.assertEqual(check({}), [])

    def test_finds_an_arrow_upwards(self):
        self.assert_one({"libs/base/ids.h": '#include <string>\n#include "libs/record/record.h"\n'},
                        "libs/base/ids.h:2", "libs/base must not include libs/record")
        self.assert_one({"libs/record/x.cc": '#  include "services/sink/sink.h"\n'},
                        "libs/record/x.cc:1", "services/sink")

    def test_finds_a_service_that_includes_another(self):
        self.assert_one({"services/sink/sink.cc": '#include "services/deduper/deduper.h"\n'},
                        "services/sink/sink.cc:1", "services/deduper")

    def test_finds_product_code_that_includes_testing(self):
        self.assert_one({"libs/image/fake.cc": '#include "libs/testing/images.h"\n'},
                        "libs/image/fake.cc:1", "libs/testing")

    def test_lets_helpers_of_tests_include_testing(self):
        self.assertEqual(check({
            "libs/image/pictures.h": '#include "libs/testing/images.h"\n',
            "libs/image/pictures.cc": '#include "libs/image/pictures.h"\n#include <png.h>\n',
            "libs/image/decode_test.cc": '#include "libs/image/pictures.h"\n'}), [])

    def test_finds_a_library_outside_its_room(self):
        self.assert_one({"services/sink/sink.cc": "#include <rocksdb/db.h>\n"},
                        "services/sink/sink.cc:1", "libs/state")
        self.assert_one({"libs/stream/mat.cc": "#include <opencv2/core.hpp>\n"},
                        "libs/stream/mat.cc:1", "opencv2")
        self.assert_one({"libs/stream/wire.cc": '#include "winnow/v1/r.pb.h"\n'},
                        "libs/stream/wire.cc:1", "libs/record")
        self.assert_one({"libs/base/check.cc": "#include <gtest/gtest.h>\n"},
                        "libs/base/check.cc:1", "libs/testing")

    def test_finds_a_library_in_a_header_that_other_rooms_include(self):
        self.assert_one({"libs/state/store.h": "#include <rocksdb/db.h>\n",
                         "libs/local/runner.cc": '#include "libs/state/store.h"\n'},
                        "libs/state/store.h:1", "rocksdb/db.h")

    def test_finds_a_library_behind_a_second_header(self):
        self.assert_one({"libs/image/decode.h": '#include "libs/image/jpeg_parts.h"\n',
                         "libs/detect/find.cc": '#include "libs/image/decode.h"\n'},
                        "libs/image/jpeg_parts.h:1", "jpeglib.h", "libs/image/decode.h")

    def test_finds_a_test_that_is_not_built(self):
        self.assert_one({"libs/base/ids_test.cc": "#include <gtest/gtest.h>\n"},
                        "libs/base/ids_test.cc", "CMakeLists.txt")
        self.assert_one({"libs/image/CMakeLists.txt": "# decode_test.cc\nf(my_decode_test.cc)\n"},
                        "libs/image/decode_test.cc", "CMakeLists.txt")

    def test_finds_strangers_in_the_root(self):
        self.assert_one({"scripts/run.sh": ""}, "scripts", "root")
        self.assert_one({"notes.md": ""}, "notes.md", "root")

    def test_finds_includes_that_are_not_paths_from_the_root(self):
        self.assert_one({"libs/image/decode.cc": '#include "decode.h"\n'},
                        "libs/image/decode.cc:1", "from the root")
        self.assert_one({"libs/image/decode.cc": '#include "libs/image/../base/ids.h"\n'},
                        "libs/image/decode.cc:1", "dots")

    def test_finds_a_room_without_rules(self):
        self.assert_one({"libs/cellar/wine.h": "#include <string>\n"}, "libs/cellar", "layers.txt")

    def test_finds_a_circle_in_its_own_rules(self):
        rules = check_layers.Rules({"libs/a": ["libs/b"], "libs/b": ["libs/a"]}, {}, set())
        with tempfile.TemporaryDirectory() as directory:
            tree = check_layers.Tree(directory, rules)
            tree.check_rooms()
        self.assertIn("libs/a -> libs/b -> libs/a", tree.problems[0])

    def test_does_not_pass_a_tree_without_sources(self):
        with tempfile.TemporaryDirectory() as directory:
            with contextlib.redirect_stdout(io.StringIO()):
                self.assertEqual(check_layers.main([directory]), 1)


if __name__ == "__main__":
    unittest.main()
