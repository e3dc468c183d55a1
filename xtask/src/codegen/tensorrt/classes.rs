//! Classes with the slot of each method in every generation, and the libraries' entry points.

use std::fmt::Write as _;

use anyhow::{Context, bail};

use super::constant_name;
use super::signature::function_type;
use super::table::{Entries, GENERATIONS, Row, Table, enter, entries_text, version_number};

/// The sizes are those of 64-bit machines; on others the crate compiles and opens no library.
const GUARD: &str = "#[cfg(target_pointer_width = \"64\")]";

/// A method with one Rust type; overloads of other generations with another type are methods of their own.
struct Method {
    class: String,
    name: String,
    cpp: String,
    function: String,
    /// Whether the slot lies in the implementation's table (`VBuilder`) or in the object's own (`IParser`).
    on_implementation: bool,
    entries: Entries,
    /// `(first version of the release, slot)`.
    exception: Option<(i32, i32)>,
}

/// The text of `classes.rs`.
pub(super) fn classes(
    slots: &Table,
    destructors: &Table,
    sizes: &Table,
    interfaces: &Table,
) -> anyhow::Result<String> {
    let mut names: Vec<&str> = Vec::new();
    for row in sizes.rows() {
        let name = row.bare("class")?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let mut methods = methods(slots, &names)?;
    name_overloads(&mut methods);
    let mut text = String::from(
        "//! Classes, and the slot of each method in every generation.\n\
         //!\n\
         //! Written by `cargo xtask codegen tensorrt` from `fixtures/tensorrt/{slots,destructors,sizes,interfaces}.tsv`; not to be\n\
         //! edited. The columns are those of [`Generation`](crate::Generation): TensorRT 8 and 9, 10, 11, RTX 1.3, RTX 1.5.\n\
         \nuse std::ffi::{c_char, c_void};\n\
         \nuse crate::layout::{Derived, Dims32, Dims64, Direct, InterfaceInfo, Public};\n\
         use crate::method::{Identity, Method, This};\n\
         use crate::table::{NONE, at, since};\n",
    );
    for name in names.iter().copied().chain(["IVersionedInterface"]) {
        write_class(&mut text, name, &methods, destructors, sizes, interfaces)?;
    }
    Ok(text)
}

/// The text of `entry_points.rs`.
pub(super) fn entry_points(table: &Table) -> anyhow::Result<String> {
    let mut text = String::from(
        "//! The functions that the libraries export.\n\
         //!\n\
         //! Written by `cargo xtask codegen tensorrt` from `fixtures/tensorrt/entry-points.tsv`; not to be edited.\n\n\
         use std::ffi::{c_char, c_void};\n\n\
         use crate::file::EntryPoint;\n",
    );
    let mut known: Vec<(&str, String)> = Vec::new();
    for row in table.rows() {
        let symbol = row.cell("symbol")?;
        let function = function_type(row.cell("type")?, None, &[])?;
        match known.iter().find(|(name, _)| *name == symbol) {
            Some((_, same)) if *same == function => continue,
            Some(_) => bail!("{symbol} has two types"),
            None => {}
        }
        let constant = constant_name(symbol);
        let _ = write!(
            text,
            "\n/// `{symbol}`, in every generation.\n\
             pub const {constant}: EntryPoint<{function}> =\n    EntryPoint::new(\"{symbol}\");\n",
        );
        known.push((symbol, function));
    }
    Ok(text)
}

/// Every method of the slot table, rows of all generations with the same Rust type put together.
fn methods(slots: &Table, classes: &[&str]) -> anyhow::Result<Vec<Method>> {
    let mut methods: Vec<Method> = Vec::new();
    for row in slots.rows() {
        let (class, on_implementation) = class_of(row)?;
        let (name, cpp) = (row.cell("method")?, row.cell("signature")?);
        let function = function_type(cpp, Some(&class), classes)?;
        let same = |known: &&mut Method| {
            known.class == class
                && known.name == name
                && known.function == function
                && known.on_implementation == on_implementation
        };
        let method = match methods.iter_mut().find(same) {
            Some(known) => known,
            None => {
                methods.push(Method {
                    class,
                    name: name.to_owned(),
                    cpp: cpp
                        .replace("nvinfer1::", "")
                        .replace("nvonnxparser::", "")
                        .replace("v_1_0::", ""),
                    function,
                    on_implementation,
                    entries: [None; GENERATIONS],
                    exception: None,
                });
                methods.last_mut().expect("one was just pushed")
            }
        };
        enter(&mut method.entries, row.generation()?, row.cell("slot")?, row.cell("since")?)
            .with_context(|| format!("{}::{name}", method.class))?;
        if let Some((version, slot)) = row.cell("exceptions")?.split_once(':') {
            method.exception = Some((version_number(version)?, slot.parse()?));
        }
    }
    Ok(methods)
}

/// The public class of a row, and whether the row speaks of its implementation: `VBuilder` implements `IBuilder`.
fn class_of(row: Row<'_>) -> anyhow::Result<(String, bool)> {
    let class = row.bare("class")?;
    Ok(match class.strip_prefix('V') {
        Some(rest) => (format!("I{rest}"), true),
        None => (class.to_owned(), false),
    })
}

/// Where generations differ in a method's type, gives all but the newest the suffix of their generation.
fn name_overloads(methods: &mut [Method]) {
    const SUFFIXES: [&str; GENERATIONS] = ["TRT8", "TRT10", "TRT11", "RTX1_3", "RTX1_5"];
    let newest = |method: &Method| method.entries.iter().rposition(Option::is_some).unwrap_or(0);
    for at in 0..methods.len() {
        let method = &methods[at];
        let newer = methods.iter().any(|other| {
            other.class == method.class
                && other.on_implementation == method.on_implementation
                && other.cpp_name() == method.cpp_name()
                && newest(other) > newest(method)
        });
        if newer {
            methods[at].name = format!("{}_{}", method.name, SUFFIXES[newest(method)]);
        }
    }
}

impl Method {
    /// The C++ name, without the suffix of an overload.
    fn cpp_name(&self) -> &str {
        self.name.split('_').next().unwrap_or(&self.name)
    }
}

fn write_class(
    text: &mut String,
    name: &str,
    methods: &[Method],
    destructors: &Table,
    sizes: &Table,
    interfaces: &Table,
) -> anyhow::Result<()> {
    let size = size_of(name, sizes)?;
    if name.starts_with("Dims") || name == "InterfaceInfo" {
        let _ = write!(text, "\n{GUARD}\nconst _: () = assert!(size_of::<{name}>() == {size});\n");
        return Ok(());
    }
    let layout = match size {
        24 => "Derived",
        16 => "Public",
        8 => "Direct",
        other => bail!("{name} has an unforeseen size of {other} bytes"),
    };
    let _ = write!(
        text,
        "\n/// `{name}`.\n#[repr(transparent)]\n#[derive(Debug)]\npub struct {name}({layout});\n\n\
         {GUARD}\nconst _: () = assert!(size_of::<{name}>() == {size});\n\nimpl {name} {{\n",
    );
    write_identity(text, name, interfaces)?;
    write_deleting_destructor(text, name, destructors)?;
    for method in methods.iter().filter(|method| method.class == name) {
        write_method(text, method, layout);
    }
    text.push_str("}\n");
    Ok(())
}

/// The size of a class, which all generations must agree on; that of a bare table pointer if none is listed.
fn size_of(class: &str, sizes: &Table) -> anyhow::Result<usize> {
    let mut known = None;
    for row in sizes.rows() {
        if row.bare("class")? == class {
            let size: usize = row.cell("size")?.parse()?;
            if known.replace(size).is_some_and(|other| other != size) {
                bail!("{class} has two sizes");
            }
        }
    }
    Ok(known.unwrap_or(8))
}

/// What an interface that the application implements must report about itself, where it is asked.
fn write_identity(text: &mut String, class: &str, interfaces: &Table) -> anyhow::Result<()> {
    let mut identities = [const { None }; GENERATIONS];
    for row in interfaces.rows() {
        if row.bare("class")? == class {
            let (kind, major, minor) = (row.cell("kind")?, row.cell("major")?, row.cell("minor")?);
            identities[row.generation()?] =
                Some(format!("Identity::new(c\"{kind}\", {major}, {minor})"));
        }
    }
    if identities.iter().any(Option::is_some) {
        let identities = identities
            .map(|identity| identity.map_or("None".to_owned(), |text| format!("Some({text})")));
        let _ = write!(
            text,
            "    /// What `getInterfaceInfo` answers, where the interface is a versioned one.\n    \
                 pub const IDENTITY: [Option<Identity>; {GENERATIONS}] = [\n        {},\n    ];\n",
            identities.join(",\n        "),
        );
    }
    Ok(())
}

fn write_deleting_destructor(
    text: &mut String,
    class: &str,
    destructors: &Table,
) -> anyhow::Result<()> {
    let mut entries = [None; GENERATIONS];
    for row in destructors.rows() {
        if row.bare("class")? == class {
            // Destructors never moved inside a generation, so there is no version to heed.
            enter(&mut entries, row.generation()?, row.cell("slot")?, "10.0.0")?;
        }
    }
    if entries.iter().any(Option::is_some) {
        let _ = write!(
            text,
            "    /// The deleting destructor.\n    \
                 pub const DELETE: Method<Self, unsafe extern \"C\" fn(This)> =\n        \
                     Method::on_object(\"{class}\", \"~{class}\", {});\n",
            entries_text(&entries),
        );
    }
    Ok(())
}

fn write_method(text: &mut String, method: &Method, layout: &str) {
    let Method { class, name, cpp, function, .. } = method;
    let (result, arguments) = cpp.split_once('(').unwrap_or((cpp, ""));
    let (receiver, suffix, remark) = match (method.on_implementation, layout) {
        (false, "Direct") => ("on_object", "", ""),
        // What the headers declare virtual in the public class itself, their callers call there.
        (false, _) => {
            ("on_object", "_BY_OBJECT", ", where programs compiled with the headers call it")
        }
        (true, "Derived") => ("on_own_implementation", "", ""),
        (true, _) => ("on_implementation", "", ""),
    };
    let constant = constant_name(name) + suffix;
    let exception = method
        .exception
        .map_or(String::new(), |(version, slot)| format!(".with_exception({version}, {slot})"));
    let cpp_name = method.cpp_name();
    let separator = if result.ends_with('*') { "" } else { " " };
    let _ = write!(
        text,
        "    /// `{result}{separator}{cpp_name}({arguments}`{remark}.\n    \
             pub const {constant}: Method<Self, {function}> =\n        \
                 Method::{receiver}(\"{class}\", \"{cpp_name}\", {}){exception};\n",
        entries_text(&method.entries),
    );
}
