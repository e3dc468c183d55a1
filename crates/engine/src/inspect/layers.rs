//! The layers of a plan, from the inspector's JSON.
//!
//! Its keys are documented by example alone and differ between versions, so what is read here is what all of them have;
//! an unknown key is left out, and a value that is missing is empty.

use serde::Serialize;
use serde_json::Value;

/// A layer of a plan, which may be several of the network's in one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct PlanLayer {
    /// Its name; TensorRT writes those of fused layers after one another.
    pub name: String,
    /// What it is, as `CaskConvolution` or `Reformat`.
    pub kind: Option<String>,
    /// What it reads.
    pub inputs: Vec<PlanTensor>,
    /// What it makes.
    pub outputs: Vec<PlanTensor>,
    /// The kernel.
    pub tactic: Option<String>,
    /// The ONNX nodes that went into it, where the plan keeps them.
    pub nodes: Vec<String>,
}

/// A tensor that a layer of a plan reads or makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanTensor {
    /// As TensorRT spells it.
    pub name: String,
    /// Its type, as `int8`, `fp16`, `fp32`; `None` where TensorRT's words for it are not known.
    pub data_type: Option<&'static str>,
    /// TensorRT's words for its layout and type.
    pub format: String,
}

impl PlanLayer {
    /// The type that the layer computes in: that of what it reads first.
    ///
    /// The kernels of INT8 layers read INT8; what they make may be of another type.
    pub fn computes_in(&self) -> Option<&'static str> {
        self.inputs.first().and_then(|input| input.data_type)
    }

    /// Whether the layer only changes how a tensor lies in memory, or of what type it is.
    pub fn is_reformat(&self) -> bool {
        self.kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("reformat"))
    }

    /// Whether an ONNX node went into this layer: by the nodes that the plan keeps, else by the layer's name.
    pub fn contains(&self, node: &str) -> bool {
        if !self.nodes.is_empty() {
            return self.nodes.iter().any(|kept| kept == node);
        }
        // Names of fused layers are joined by these, and pointwise ones wrapped as `PWN(a, b)`.
        let parts = self.name.split(" + ").flat_map(|part| part.split(" || "));
        let mut parts = parts.flat_map(|part| part.split(['(', ')', ','])).map(str::trim);
        parts.any(|part| part == node)
    }
}

/// Why the inspector's words are not understood.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError {
    /// They are no JSON.
    #[error("it is no JSON")]
    Json(#[from] serde_json::Error),
    /// There is no list of layers in them.
    #[error("it has no list called Layers")]
    NoLayers,
}

/// The layers in the inspector's JSON.
///
/// # Errors
/// [`LayerError`].
pub(crate) fn parse(json: &str) -> Result<Vec<PlanLayer>, LayerError> {
    let engine: Value = serde_json::from_str(json)?;
    let layers = engine.get("Layers").and_then(Value::as_array).ok_or(LayerError::NoLayers)?;
    Ok(layers.iter().filter_map(layer).collect())
}

/// A layer; of a plan without details, its name; of one without names, nothing.
fn layer(value: &Value) -> Option<PlanLayer> {
    if let Some(name) = value.as_str() {
        return Some(PlanLayer { name: name.to_owned(), ..PlanLayer::default() });
    }
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let tensors = |key: &str| {
        let tensors = value.get(key).and_then(Value::as_array);
        tensors.into_iter().flatten().map(tensor).collect()
    };
    value.as_object()?;
    Some(PlanLayer {
        name: text("Name").unwrap_or_default(),
        kind: text("LayerType"),
        inputs: tensors("Inputs"),
        outputs: tensors("Outputs"),
        tactic: text("TacticName").filter(|name| !name.is_empty()),
        nodes: text("Metadata").map(|metadata| nodes(&metadata)).unwrap_or_default(),
    })
}

fn tensor(value: &Value) -> PlanTensor {
    let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    let words = ["Format/Datatype", "Format", "Datatype"].map(text);
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let format = words.join(" ");
    PlanTensor { name: text("Name").to_owned(), data_type: data_type(&format), format }
}

/// The ONNX nodes in a layer's metadata: `[ONNX Layer: conv1]`, one after the other.
fn nodes(metadata: &str) -> Vec<String> {
    let nodes = metadata.split("[ONNX Layer: ").skip(1);
    // A name may contain a bracket; the last one ends the entry.
    let nodes = nodes.filter_map(|entry| entry.rsplit_once(']')).map(|(name, _)| name.to_owned());
    nodes.collect()
}

/// Types by the words that TensorRT's versions have for them; those that contain another come first.
const TYPES: [(&str, &str); 17] = [
    ("bfloat16", "bf16"),
    ("bf16", "bf16"),
    ("fp16", "fp16"),
    ("float16", "fp16"),
    ("half", "fp16"),
    ("uint8", "uint8"),
    ("int8", "int8"),
    ("int4", "int4"),
    ("fp4", "fp4"),
    ("fp8", "fp8"),
    ("float8", "fp8"),
    ("fp32", "fp32"),
    ("float32", "fp32"),
    ("int32", "int32"),
    ("int64", "int64"),
    ("bool", "bool"),
    ("float", "fp32"),
];

/// The type in TensorRT's words for a tensor's layout and type.
fn data_type(format: &str) -> Option<&'static str> {
    let format = format.to_ascii_lowercase();
    TYPES.into_iter().find(|(word, _)| format.contains(word)).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As TensorRT 8.6 and 10 write it, with the keys that are not read left in.
    const DETAILED: &str = r#"{"Layers": [{
      "Name": "Reformatting CopyNode for Input Tensor 0 to conv1 + relu1", "LayerType": "Reformat",
      "Inputs": [{"Name": "x", "Location": "Device", "Dimensions": [1,3,8,8], "Format/Datatype": "Row major linear FP32"}],
      "Outputs": [{"Name": "r", "Location": "Device", "Dimensions": [1,3,8,8], "Format/Datatype": "Four wide channel vectorized row major Int8 format"}],
      "ParameterType": "Reformat", "Origin": "REFORMAT", "TacticValue": "0x0", "StreamId": 0, "Metadata": ""
    }, {
      "Name": "conv1.weight + QuantizeLinear_7 + conv1 + relu1", "LayerType": "CaskConvolution",
      "Inputs": [{"Name": "r", "Dimensions": [1,3,8,8], "Format/Datatype": "Four wide channel vectorized row major Int8 format"}],
      "Outputs": [{"Name": "y", "Dimensions": [1,8,8,8], "Format/Datatype": "Two wide channel vectorized row major FP16 format"}],
      "HasBias": 1, "TacticName": "sm80_xmma_fprop", "Metadata": "[ONNX Layer: conv1]\u001e[ONNX Layer: odd]name]"
    }], "Bindings": ["x", "y"]}"#;

    #[test]
    fn detailed_plans_tell_types_kernels_and_nodes() {
        let layers = parse(DETAILED).unwrap();
        assert!(layers[0].is_reformat() && !layers[1].is_reformat());
        assert_eq!(layers[0].computes_in(), Some("fp32"));
        assert_eq!(layers[1].computes_in(), Some("int8"));
        assert_eq!(layers[1].outputs[0].data_type, Some("fp16"));
        assert_eq!(layers[1].nodes, ["conv1", "odd]name"]);
        assert_eq!(layers[1].tactic.as_deref(), Some("sm80_xmma_fprop"));
        assert!(layers[1].contains("conv1") && !layers[1].contains("conv"));
    }

    #[test]
    fn without_nodes_the_name_tells_what_went_in() {
        let layer = |name: &str| PlanLayer { name: name.to_owned(), ..PlanLayer::default() };
        let fused = layer("w + q_7 + /a/Conv + PWN(PWN(/a/Sigmoid), /a/Mul) || /b/Conv");
        for (node, inside) in
            [("/a/Conv", true), ("/b/Conv", true), ("q_7", true), ("/a", false), ("Conv", false)]
        {
            assert_eq!(fused.contains(node), inside, "{node}");
        }
    }

    #[test]
    fn plans_that_tell_less_are_read_too() {
        let names = parse(r#"{"Layers": ["conv1", "fc"], "Bindings": []}"#).unwrap();
        assert_eq!(names[1], PlanLayer { name: "fc".to_owned(), ..PlanLayer::default() });
        assert_eq!(names[1].computes_in(), None);
        assert!(parse(r#"{"Layers": [null]}"#).unwrap().is_empty());
        assert!(matches!(parse("{}"), Err(LayerError::NoLayers)));
        assert!(matches!(parse("Layers:"), Err(LayerError::Json(_))));
    }

    #[test]
    fn types_are_known_by_every_versions_words() {
        let cases = [
            ("Row major linear FP32", Some("fp32")),
            ("Thirty-two wide channel vectorized row major Int8 format", Some("int8")),
            ("Channel major FP16 format where channel % 8 == 0", Some("fp16")),
            ("Row major linear BFloat16 format", Some("bf16")),
            ("Float", Some("fp32")),
            ("Half", Some("fp16")),
            ("Row major Int64 format", Some("int64")),
            ("Row major linear UInt8", Some("uint8")),
            ("N/A due to dynamic shapes", None),
        ];
        for (words, name) in cases {
            assert_eq!(data_type(words), name, "{words}");
        }
    }
}
