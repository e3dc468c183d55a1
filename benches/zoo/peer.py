"""What a peer makes of a model: ONNX Runtime's `quantize_static`, or NVIDIA ModelOpt.

    python benches/zoo/peer.py quantize_static|modelopt SAMPLES.npz MODEL.onnx QUANTIZED.onnx

INT8 with symmetric activations and weights per channel, as TensorRT takes them, ranges by least and largest value.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from samples import Sample, restored


class Rows(CalibrationDataReader):
    """Hands out one sample after another."""

    def __init__(self, rows: list[Sample]) -> None:
        self.rows = rows
        self.rewind()

    def get_next(self) -> Sample | None:
        return next(self.left, None)

    def get_first(self) -> Sample:
        return self.rows[0]

    def rewind(self) -> None:
        self.left = iter(self.rows)


def by_quantize_static(model: Path, rows: list[Sample], target: Path) -> None:
    quantize_static(
        model,
        target,
        Rows(rows),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
        extra_options={"ActivationSymmetric": True, "CalibTensorRangeSymmetric": True},
    )


def by_modelopt(model: Path, rows: list[Sample], target: Path) -> None:
    from modelopt.onnx.quantization import quantize  # only where it is installed

    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copyfile(model, Path(folder) / model.name)  # it writes beside what it is given
        quantize(
            str(copy),
            quantize_mode="int8",
            calibration_data_reader=Rows(rows),
            calibration_method="max",
            calibration_eps=["cpu"],
            high_precision_dtype="fp32",
            output_path=str(target),
            log_level="WARNING",
        )
    if not target.exists():
        sys.exit("no model was written")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool", choices=["quantize_static", "modelopt"])
    parser.add_argument("samples", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("quantized", type=Path)
    options = parser.parse_args()
    tool = {"quantize_static": by_quantize_static, "modelopt": by_modelopt}[options.tool]
    tool(options.model, restored(options.samples), options.quantized)


if __name__ == "__main__":
    main()
