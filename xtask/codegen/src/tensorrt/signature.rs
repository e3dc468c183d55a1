//! C++ signatures as Rust function pointer types.

use anyhow::{Context, bail};

/// The Rust type of a function with a C++ signature, as `bool(const char *, int) const`.
///
/// `class` is a method's class and `None` for a free function. `classes` are the classes the output declares: a pointer
/// or reference to one of them is typed, to any other class it is untyped. Enumerations are `i32`.
pub(super) fn function_type(
    signature: &str,
    class: Option<&str>,
    classes: &[&str],
) -> anyhow::Result<String> {
    let context = || format!("signature {signature:?}");
    let (result, arguments) = signature.split_once('(').with_context(context)?;
    let arguments = arguments.rsplit_once(')').with_context(context)?.0;
    let arguments = arguments.split(", ").filter(|argument| !argument.is_empty());
    let rust_type = |cpp| rust_type(cpp, class, classes).with_context(context);
    let mut types: Vec<String> = class.map(|_| "This".to_owned()).into_iter().collect();
    for argument in arguments {
        types.push(rust_type(argument)?);
    }
    let types = types.join(", ");
    Ok(match result.trim() {
        "void" => format!("unsafe extern \"C\" fn({types})"),
        result => format!("unsafe extern \"C\" fn({types}) -> {}", rust_type(result)?),
    })
}

/// The Rust type of one C++ parameter or result on 64-bit Linux.
fn rust_type(cpp: &str, own: Option<&str>, classes: &[&str]) -> anyhow::Result<String> {
    let cpp =
        cpp.trim().replace("v_1_0::", "").replace("nvonnxparser::", "").replace("nvinfer1::", "");
    let plain = match cpp.as_str() {
        "bool" => "bool",
        "int" => "i32",
        "unsigned int" => "u32",
        "long" => "i64",
        "unsigned long" => "usize",
        "unsigned long &" => "*mut usize",
        "float" => "f32",
        "double" => "f64",
        "void *" => "*mut c_void",
        "void **" => "*mut *mut c_void",
        "const void *" => "*const c_void",
        "const char *" => "*const c_char",
        "const char **" => "*mut *const c_char",
        "Dims32" => "Dims32",
        "Dims64" => "Dims64",
        "const Dims64 &" => "*const Dims64",
        "InterfaceInfo" => "InterfaceInfo",
        _ => "",
    };
    if !plain.is_empty() {
        return Ok(plain.to_owned());
    }
    if let Some(class) = cpp.strip_suffix(" *").or_else(|| cpp.strip_suffix(" &")) {
        let class = class.trim_start_matches("const ");
        return Ok(match class {
            class if own == Some(class) => "*mut Self".to_owned(),
            class if classes.contains(&class) => format!("*mut {class}"),
            _ => "*mut c_void".to_owned(),
        });
    }
    // What is left over without a pointer must be an enumeration; a structure passed by value would be named above.
    if cpp.chars().all(|c| c.is_ascii_alphanumeric() || c == ':')
        && !cpp.contains("Dims")
        && !cpp.contains("Weights")
    {
        return Ok("i32".to_owned());
    }
    bail!("no Rust type for C++ {cpp:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_become_function_types() {
        let cases = [
            ("void(bool)", "unsafe extern \"C\" fn(This, bool)"),
            ("nvinfer1::ITensor *(int) const", "unsafe extern \"C\" fn(This, i32) -> *mut ITensor"),
            ("nvinfer1::DataType() const", "unsafe extern \"C\" fn(This) -> i32"),
            (
                "bool(const char *, nvinfer1::OptProfileSelector, nvinfer1::Dims32)",
                "unsafe extern \"C\" fn(This, *const c_char, i32, Dims32) -> bool",
            ),
            (
                "bool(const char *, nvinfer1::OptProfileSelector, const nvinfer1::Dims64 &)",
                "unsafe extern \"C\" fn(This, *const c_char, i32, *const Dims64) -> bool",
            ),
            ("void(nvinfer1::IPluginFactory *)", "unsafe extern \"C\" fn(This, *mut c_void)"),
            (
                "bool(const nvinfer1::ITimingCache &)",
                "unsafe extern \"C\" fn(This, *mut Self) -> bool",
            ),
        ];
        for (cpp, rust) in cases {
            assert_eq!(
                function_type(cpp, Some("ITimingCache"), &["ITensor", "ITimingCache"]).unwrap(),
                rust
            );
        }
    }

    #[test]
    fn what_has_no_certain_type_is_refused() {
        for cpp in ["void(nvinfer1::Weights)", "nvinfer1::Permutation<int>()", "void"] {
            assert!(function_type(cpp, None, &[]).is_err(), "{cpp}");
        }
    }
}
