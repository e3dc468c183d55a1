//! What the inspector says: in the vendor's form, as much as the build's profiling verbosity lets it.

use serde_json::{Value, json};
use tensorrt_sys::Enumeration;
use tensorrt_sys::enums::LayerInformationFormat;

use super::Inspector;
use crate::object::Body;
use crate::plan::{LayerPlan, Plan};

/// The format that a number stands for.
pub(super) fn format(inspector: &Body<Inspector>, raw: i32) -> LayerInformationFormat {
    let format = LayerInformationFormat::from_raw(inspector.context().version(), raw);
    format.unwrap_or(LayerInformationFormat::Oneline)
}

/// What there is to say of the engine.
pub(super) fn engine(plan: &Plan, format: LayerInformationFormat) -> String {
    let layers = &plan.network.layers;
    let bindings: Vec<&String> = plan.network.inputs.iter().chain(&plan.network.outputs).collect();
    if format == LayerInformationFormat::Json {
        let layers: Vec<Value> = layers.iter().map(|layer| layer_value(plan, layer)).collect();
        return json!({ "Layers": layers, "Bindings": bindings }).to_string();
    }
    let layers: Vec<String> = layers.iter().map(|layer| self::layer(plan, layer, format)).collect();
    let bindings: Vec<&str> = bindings.into_iter().map(String::as_str).collect();
    format!("Layers:\n{}\n\nBindings:\n{}\n", layers.join("\n"), bindings.join("\n"))
}

/// What there is to say of a layer.
pub(super) fn layer(plan: &Plan, layer: &LayerPlan, format: LayerInformationFormat) -> String {
    match layer_value(plan, layer) {
        Value::String(name) if format == LayerInformationFormat::Oneline => name,
        Value::Null => String::new(),
        value if format == LayerInformationFormat::Json => value.to_string(),
        _ => format!("{} ({}): {}", layer.name, layer.kind, layer.runs_in),
    }
}

fn layer_value(plan: &Plan, layer: &LayerPlan) -> Value {
    match plan.config.profiling_verbosity.as_str() {
        "kNONE" => Value::Null,
        "kLAYER_NAMES_ONLY" => json!(layer.name),
        _ => {
            let tensors = |names: &[String]| {
                let tensor = |name: &String| {
                    let dims = plan.tensor(name).and_then(|tensor| tensor.dims.clone());
                    json!({
                        "Name": name,
                        "Location": "Device",
                        "Dimensions": dims.unwrap_or_default(),
                        "Format/Datatype": format_of(&layer.runs_in),
                    })
                };
                names.iter().map(tensor).collect::<Vec<_>>()
            };
            json!({
                "Name": layer.name,
                "LayerType": layer_type(&layer.kind),
                "Inputs": tensors(&layer.inputs),
                "Outputs": tensors(&layer.outputs),
                "ParameterType": parameter_type(&layer.kind),
                "Precision": precision(&layer.runs_in),
                "TacticName": "tensorrt_double",
                "StreamId": 0,
                "Metadata": format!("[ONNX Layer: {}]", layer.name),
            })
        }
    }
}

/// The vendor's word for what a layer of the plan is.
fn layer_type(kind: &str) -> &str {
    match kind {
        "kCONVOLUTION" => "CaskConvolution",
        "kDECONVOLUTION" => "CaskDeconvolutionV2",
        "kMATRIX_MULTIPLY" => "CaskGemmConvolution",
        "kPOOLING" => "CaskPooling",
        "kELEMENTWISE" => "PointWiseV2",
        "kCAST" => "Reformat",
        other => other.trim_start_matches('k'),
    }
}

/// The kind as the inspector spells it: `kMATRIX_MULTIPLY` is `MatrixMultiply`.
fn parameter_type(kind: &str) -> String {
    let words = kind.trim_start_matches('k').split('_');
    words
        .map(|word| {
            let (head, tail) = word.split_at(word.len().min(1));
            head.to_owned() + &tail.to_lowercase()
        })
        .collect()
}

fn precision(runs_in: &str) -> &str {
    match runs_in {
        "kFLOAT" => "FP32",
        "kHALF" => "FP16",
        "kBF16" => "BF16",
        "kINT8" => "INT8",
        other => other.trim_start_matches('k'),
    }
}

/// The vendor's words for a tensor's format and type.
fn format_of(runs_in: &str) -> &str {
    match runs_in {
        "kHALF" => "Row major linear FP16 format",
        "kBF16" => "Row major linear BFloat16 format",
        "kINT8" => "Row major Int8 format",
        "kINT32" => "Row major Int32 format",
        "kINT64" => "Row major Int64 format",
        "kBOOL" => "Row major Bool format",
        _ => "Row major linear FP32",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_spelled_as_the_inspector_does() {
        assert_eq!(parameter_type("kMATRIX_MULTIPLY"), "MatrixMultiply");
        assert_eq!(parameter_type("kCONVOLUTION"), "Convolution");
        assert_eq!(layer_type("kSOFTMAX"), "SOFTMAX");
    }
}
