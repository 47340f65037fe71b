"""Writes cases of the ONNX project's backend test suite, which the package `onnx` (here 1.23) carries as code.

    python3 -m venv /tmp/onnx && /tmp/onnx/bin/pip install onnx
    /tmp/onnx/bin/python test/data/write-onnx-cases.py test_hardswish test_spacetodepth

A name stands for every case that begins with it, but for those that spell the operator out in others (`_expanded`).
"""

import pathlib
import sys
import warnings

from onnx import numpy_helper
from onnx.backend.test.loader import load_node_model_tests

NODE = pathlib.Path(__file__).parent / "onnx-backend" / "node"


def write(folder: pathlib.Path, kind: str, values, infos) -> None:
    for i, (value, info) in enumerate(zip(values, infos)):
        tensor = numpy_helper.from_array(value, info.name)
        (folder / f"{kind}_{i}.pb").write_bytes(tensor.SerializeToString())


wanted = tuple(sys.argv[1:])
warnings.simplefilter("ignore")  # Other operators' cases overflow on purpose while they are made.
cases = [
    case
    for case in load_node_model_tests()
    if case.name.startswith(wanted) and not case.name.endswith("_expanded")
]
if not wanted or not cases:
    sys.exit("no such case; give beginnings of names, like test_hardswish")
for case in cases:
    graph = case.model.graph
    print(case.name)
    for i, (inputs, outputs) in enumerate(case.data_sets):
        folder = NODE / case.name / f"test_data_set_{i}"
        folder.mkdir(parents=True, exist_ok=True)
        write(folder, "input", inputs, graph.input)
        write(folder, "output", outputs, graph.output)
    (NODE / case.name / "model.onnx").write_bytes(case.model.SerializeToString())
