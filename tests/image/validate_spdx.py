"""What the SPDX project's own tools find wrong in a document: validate_spdx.py FILE

Needs tests/interop/requirements.txt; exits with 77 without.
"""
import sys

try:
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
except ImportError:
    print("no spdx-tools here: set WINNOW_PYTHON to one with tests/interop/requirements.txt")
    sys.exit(77)

MESSAGES = validate_full_spdx_document(parse_file(sys.argv[1]))
for message in MESSAGES:
    print(message.validation_message)
sys.exit(1 if MESSAGES else 0)
