"""ONNX Runtime's static quantization of a model, on the CPU.

`--stage quantize` is `onnxruntime.quantization.quantize_static`; `--stage calibrate` runs the calibrator that function
runs, and stops before it writes the quantized model.
"""

import tempfile
from importlib.metadata import version
from pathlib import Path

import onnx
from common import arguments, measured, pictures, tensors
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    create_calibrator,
    quantize_static,
)
from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

METHODS = {
    "minmax": CalibrationMethod.MinMax,
    "entropy": CalibrationMethod.Entropy,
    "percentile": CalibrationMethod.Percentile,
}


class Pictures(CalibrationDataReader):
    """Hands ONNX Runtime one preprocessed picture after another, batch 1."""

    def __init__(self, input_name: str, paths: list[Path]) -> None:
        self.input_name = input_name
        self.samples = tensors(paths)

    def get_next(self) -> dict | None:
        sample = next(self.samples, None)
        return None if sample is None else {self.input_name: sample}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--method", choices=METHODS, required=True)
    parser.add_argument("--stage", choices=["calibrate", "quantize"], default="calibrate")
    options = parser.parse_args()

    def job() -> dict[str, object]:
        paths = pictures(options.images, options.count)
        reader = Pictures(onnx.load(options.model, load_external_data=False).graph.input[0].name, paths)
        method = METHODS[options.method]
        with tempfile.TemporaryDirectory() as folder:
            if options.stage == "quantize":
                quantize_static(
                    options.model,
                    Path(folder) / "quantized.onnx",
                    reader,
                    quant_format=QuantFormat.QDQ,
                    per_channel=True,
                    activation_type=QuantType.QInt8,
                    weight_type=QuantType.QInt8,
                    calibrate_method=method,
                    extra_options={"ActivationSymmetric": True, "CalibTensorRangeSymmetric": True},
                )
                tensor_count = None
            else:
                operators = sorted(set(QLinearOpsRegistry) | set(QDQRegistry))
                calibrator = create_calibrator(
                    options.model,
                    operators,
                    augmented_model_path=(Path(folder) / "augmented.onnx").as_posix(),
                    calibrate_method=method,
                    extra_options={"symmetric": True},
                )
                calibrator.collect_data(reader)
                tensor_count = len(calibrator.compute_data().keys())
        return {"images": len(paths), "tensors": tensor_count, "onnxruntime": version("onnxruntime")}

    measured(f"onnxruntime {options.method}", job)


if __name__ == "__main__":
    main()
