"""NVIDIA ModelOpt's INT8 quantization of an ONNX model with entropy calibration, on the CPU.

ModelOpt has no calibration without quantization, so this is the whole of `modelopt.onnx.quantization.quantize`, to be
compared with `--stage quantize` of the others. `--count 0` measures the imports alone.
"""

import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import onnx
import torch
from common import arguments, measured, pictures, tensors
from modelopt.onnx.quantization import quantize
from onnxruntime.quantization import CalibrationDataReader


class Pictures(CalibrationDataReader):
    """Hands ModelOpt one preprocessed picture after another, batch 1; it rewinds to look at the first one."""

    def __init__(self, input_name: str, paths: list[Path]) -> None:
        self.input_name = input_name
        self.paths = paths
        self.rewind()

    def get_next(self) -> dict | None:
        sample = next(self.samples, None)
        return None if sample is None else {self.input_name: sample}

    def get_first(self) -> dict:
        return {self.input_name: next(tensors(self.paths[:1]))}

    def rewind(self) -> None:
        self.samples = tensors(self.paths)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--method", choices=["entropy", "max"], default="entropy")
    options = parser.parse_args()

    def job() -> dict[str, object]:
        versions = {"modelopt": version("nvidia-modelopt"), "torch": torch.__version__}
        if options.count == 0:
            return {"images": 0} | versions
        paths = pictures(options.images, options.count)
        input_name = onnx.load(options.model, load_external_data=False).graph.input[0].name
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "quantized.onnx"
            quantize(
                str(options.model),
                quantize_mode="int8",
                calibration_data_reader=Pictures(input_name, paths),
                calibration_method=options.method,
                calibration_eps=["cpu"],
                high_precision_dtype="fp32",
                output_path=str(target),
                log_level="WARNING",
            )
            if not target.exists():
                sys.exit("modelopt wrote no model")
            quantizers = sum(node.op_type == "QuantizeLinear" for node in onnx.load(target).graph.node)
        return {"images": len(paths), "quantize_nodes": quantizers} | versions

    measured(f"modelopt {options.method}", job)


if __name__ == "__main__":
    main()
