//! Opens the files and looks up what they export.

use std::ffi::c_void;
use std::path::{Path, PathBuf};
use std::ptr;

use crate::classes::{IBuilder, ILogger, INetworkDefinition, IParser, IRuntime};
use crate::entry_points::{
    CREATE_INFER_BUILDER_INTERNAL, CREATE_INFER_RUNTIME_INTERNAL, CREATE_NV_ONNX_PARSER_INTERNAL,
    GET_INFER_LIB_VERSION, GET_NV_ONNX_PARSER_VERSION, INIT_LIB_NV_INFER_PLUGINS,
};
use crate::error::OpenError;
use crate::file::File;
use crate::version::{Product, Version};

/// The exported functions that building needs, and the one address of the C++ runtime.
///
/// A [`Library`] can be made of any such set, for a test that plays TensorRT.
#[derive(Debug, Clone, Copy)]
pub struct EntryPoints {
    /// `getInferLibVersion()`.
    pub version: unsafe extern "C" fn() -> i32,
    /// `createInferBuilder_INTERNAL(logger, version)`.
    pub create_builder: unsafe extern "C" fn(*mut c_void, i32) -> *mut c_void,
    /// `createInferRuntime_INTERNAL(logger, version)`.
    pub create_runtime: unsafe extern "C" fn(*mut c_void, i32) -> *mut c_void,
    /// `getNvOnnxParserVersion()`.
    pub parser_version: unsafe extern "C" fn() -> i32,
    /// `createNvOnnxParser_INTERNAL(network, logger, parser version)`.
    pub create_parser: unsafe extern "C" fn(*mut c_void, *mut c_void, i32) -> *mut c_void,
    /// `initLibNvInferPlugins(logger, namespace)`, where the libraries have it.
    pub init_plugins: Option<unsafe extern "C" fn(*mut c_void, *const std::ffi::c_char) -> bool>,
    /// The table of `__cxxabiv1::__class_type_info`, or null.
    pub class_type_info: *const c_void,
}

/// An opened TensorRT with its ONNX parser.
///
/// It is never closed. TensorRT starts threads, registers destructors and hands out addresses into its own code, and
/// nothing says when the last of them is gone; an unmapped library is a crash, a mapped one costs address space.
#[derive(Debug)]
pub struct Library {
    version: Version,
    entry_points: EntryPoints,
    path: PathBuf,
    parser_path: PathBuf,
}

impl Library {
    /// Opens TensorRT and its ONNX parser. A bare file name is searched for as the system's loader does.
    ///
    /// # Errors
    /// [`OpenError`]: files that are missing or no TensorRT, versions without a table, a parser of another TensorRT.
    ///
    /// # Safety
    /// Opening runs the libraries' code. They are what their names say, and honest about their version.
    pub unsafe fn open(library: &Path, parser: &Path) -> Result<Self, OpenError> {
        // SAFETY: the caller's promise.
        let (library, version_of) = unsafe { open_and_look_up(library) }?;
        // SAFETY: the caller's promise; the function takes nothing.
        let version = Version::from_raw(unsafe { version_of() });
        if version.generation().is_none() {
            return Err(OpenError::UnknownGeneration { path: library.path, version });
        }
        // SAFETY: the caller's promise.
        let parser = unsafe { File::open(parser) }?;
        // A parser for another TensorRT would jump through wrong slots. Where it is linked against TensorRT, the loader
        // may have bound it to another one of the same name that the process had opened before; where it is not, as in
        // RTX, nothing but their common folder says that the two belong together.
        let belongs = match parser.find(&GET_INFER_LIB_VERSION) {
            Some(bound) => ptr::fn_addr_eq(bound, version_of),
            None => parser.path.parent() == library.path.parent(),
        };
        if !belongs {
            return Err(OpenError::ParserMismatch { library: library.path, parser: parser.path });
        }
        // SAFETY: the caller's promise; the function takes nothing.
        let parser_version = unsafe { parser.get(&GET_NV_ONNX_PARSER_VERSION)?() };
        if let Some(parser_is) = newer_parser(version, &library.path, &parser.path, parser_version)
        {
            let (library, parser) = (library.path, parser.path);
            return Err(OpenError::ParserNewer { library, version, parser, parser_is });
        }
        let entry_points = EntryPoints {
            version: version_of,
            create_builder: library.get(&CREATE_INFER_BUILDER_INTERNAL)?,
            create_runtime: library.get(&CREATE_INFER_RUNTIME_INTERNAL)?,
            parser_version: parser.get(&GET_NV_ONNX_PARSER_VERSION)?,
            create_parser: parser.get(&CREATE_NV_ONNX_PARSER_INTERNAL)?,
            init_plugins: parser.find(&INIT_LIB_NV_INFER_PLUGINS),
            class_type_info: library.address("_ZTVN10__cxxabiv117__class_type_infoE"),
        };
        let paths = (library.path, parser.path);
        // SAFETY: the functions were looked up by the names that have these types in every generation.
        unsafe { Self::from_entry_points(entry_points, paths.0, paths.1) }
    }

    /// A library made of functions at hand, with the paths to show in messages.
    ///
    /// # Errors
    /// [`OpenError::UnknownGeneration`].
    ///
    /// # Safety
    /// The functions do what TensorRT's of the version they report do, and stay callable for ever.
    pub unsafe fn from_entry_points(
        entry_points: EntryPoints,
        path: PathBuf,
        parser_path: PathBuf,
    ) -> Result<Self, OpenError> {
        // SAFETY: the caller's promise; the function takes nothing.
        let version = Version::from_raw(unsafe { (entry_points.version)() });
        if version.generation().is_none() {
            return Err(OpenError::UnknownGeneration { path, version });
        }
        Ok(Self { version, entry_points, path, parser_path })
    }

    /// The version of a library, known generation or not, without its parser. The library stays open.
    ///
    /// # Errors
    /// [`OpenError`]: a file that is missing or no TensorRT.
    ///
    /// # Safety
    /// As [`open`](Self::open).
    pub unsafe fn probe(library: &Path) -> Result<(Version, PathBuf), OpenError> {
        // SAFETY: the caller's promise.
        let (library, version_of) = unsafe { open_and_look_up(library) }?;
        // SAFETY: the caller's promise; the function takes nothing.
        let version = unsafe { version_of() };
        Ok((Version::from_raw(version), library.path))
    }

    /// The version that the library reports.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The version that the ONNX parser reports: 100, or 200 for those of TensorRT 11.4 and RTX 1.6.
    pub fn parser_version(&self) -> i32 {
        // SAFETY: the function takes nothing and was looked up by its name.
        unsafe { (self.entry_points.parser_version)() }
    }

    /// The library's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The parser's file.
    pub fn parser_path(&self) -> &Path {
        &self.parser_path
    }

    /// The table of the C++ runtime's `__class_type_info`, for [`Interface::new`](crate::Interface::new); may be null.
    pub fn class_type_info(&self) -> *const c_void {
        self.entry_points.class_type_info
    }

    /// A new builder, or null.
    ///
    /// # Safety
    /// `logger` is a logger made for this version that outlives the builder.
    pub unsafe fn create_builder(&self, logger: *mut ILogger) -> *mut IBuilder {
        // TensorRT checks, or may check, that the application was compiled for it: the number it reports is that one.
        // SAFETY: the caller's promise.
        unsafe { (self.entry_points.create_builder)(logger.cast(), self.version.raw()) }.cast()
    }

    /// A new runtime, or null.
    ///
    /// # Safety
    /// `logger` is a logger made for this version that outlives the runtime.
    pub unsafe fn create_runtime(&self, logger: *mut ILogger) -> *mut IRuntime {
        // SAFETY: the caller's promise.
        unsafe { (self.entry_points.create_runtime)(logger.cast(), self.version.raw()) }.cast()
    }

    /// A new ONNX parser that fills `network`, or null.
    ///
    /// # Safety
    /// `network` and `logger` belong to this library and outlive the parser.
    pub unsafe fn create_parser(
        &self,
        network: *mut INetworkDefinition,
        logger: *mut ILogger,
    ) -> *mut IParser {
        // SAFETY: the caller's promise.
        unsafe {
            (self.entry_points.create_parser)(network.cast(), logger.cast(), self.parser_version())
        }
        .cast()
    }

    /// Registers TensorRT's own plugins, which parsers up to TensorRT 10 make some operators of. Where the libraries
    /// have none, as in RTX, this does nothing and the answer is `true`.
    ///
    /// # Safety
    /// `logger` is a logger made for this version that lives as long as the process.
    pub unsafe fn init_plugins(&self, logger: *mut ILogger) -> bool {
        // SAFETY: the caller's promise; an empty namespace is the default one.
        self.entry_points
            .init_plugins
            .is_none_or(|init| unsafe { init(logger.cast(), c"".as_ptr()) })
    }
}

// SAFETY: function pointers and one address of a constant table; TensorRT documents its exported functions as
// thread-safe ("createInferBuilder ... thread-safe: Yes").
unsafe impl Send for Library {}
// SAFETY: as above.
unsafe impl Sync for Library {}

/// What is known of a parser that is newer than its library: it would call methods that the library does not have.
///
/// The number that a parser reports is 100, and 200 since TensorRT 11.4 and RTX 1.6. File names tell more: a library is
/// installed as `libnvinfer.so.10` linking to `libnvinfer.so.10.16.1`, and its parser in the same way.
fn newer_parser(
    version: Version,
    library: &Path,
    parser: &Path,
    parser_version: i32,
) -> Option<String> {
    const SINCE: [(Product, i32); 2] =
        [(Product::TensorRt, 110_200), (Product::TensorRtRtx, 10_600)];
    let first = SINCE.iter().find(|(product, _)| *product == version.product());
    if parser_version >= 200 && first.is_some_and(|&(_, first)| version.raw() < first) {
        return Some(format!("a parser of version {parser_version}"));
    }
    let (library, parser) = (release_in_name(library)?, release_in_name(parser)?);
    let text = |release: [u32; 3]| release.map(|part| part.to_string()).join(".");
    (library[0] == parser[0] && parser > library).then(|| format!("the parser of {}", text(parser)))
}

/// The release that a file's own name tells, behind all links: `libnvinfer.so.10.16.1` is of 10.16.1.
fn release_in_name(path: &Path) -> Option<[u32; 3]> {
    let file = path.canonicalize().ok()?;
    let (_, release) = file.file_name()?.to_str()?.split_once(".so.")?;
    let parts: Vec<u32> =
        release.split('.').take(3).map(str::parse).collect::<Result<_, _>>().ok()?;
    parts.try_into().ok()
}

/// The opened file of a TensorRT and its `getInferLibVersion`, the one function that means the same in all of them.
type OpenedWithVersion = (File, unsafe extern "C" fn() -> i32);

/// Opens a TensorRT and finds the function that tells its version.
///
/// # Safety
/// As [`Library::open`].
unsafe fn open_and_look_up(path: &Path) -> Result<OpenedWithVersion, OpenError> {
    // SAFETY: the caller's promise.
    let file = unsafe { File::open(path) }?;
    let version = file.get(&GET_INFER_LIB_VERSION)?;
    Ok((file, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// # Safety
    /// The files named in these tests are no libraries, or harmless ones.
    unsafe fn open(library: &Path, parser: &Path) -> OpenError {
        // SAFETY: the caller's promise.
        unsafe { Library::open(library, parser) }.expect_err("this is no TensorRT")
    }

    #[test]
    fn a_file_that_is_no_library_is_named() {
        let manifest = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
        // SAFETY: a text file runs no code.
        let error = unsafe { open(manifest, manifest) };
        assert!(matches!(&error, OpenError::Load { path, .. } if path == manifest), "{error:?}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_c_library_is_no_tensorrt() {
        // SAFETY: the C library is open already.
        let error = unsafe { open(Path::new("libc.so.6"), Path::new("libc.so.6")) };
        assert!(
            matches!(error, OpenError::Symbol { symbol: "getInferLibVersion", .. }),
            "{error:?}"
        );
    }

    #[test]
    fn a_parser_that_is_newer_than_its_library_is_told() {
        let none = Path::new("none");
        let by_number = |raw, parser| newer_parser(Version::from_raw(raw), none, none, parser);
        assert_eq!(by_number(101_601, 200).as_deref(), Some("a parser of version 200"));
        assert_eq!(by_number(10_500, 200).as_deref(), Some("a parser of version 200"));
        for (raw, parser) in [(101_601, 100), (110_400, 200), (110_400, 100), (10_701, 200)] {
            assert_eq!(by_number(raw, parser), None, "{raw} {parser}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn file_names_tell_releases_behind_links() {
        let folder = std::env::temp_dir().join(format!("calibrant-names-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let installed = |stem: &str, release: &str| {
            let file = folder.join(format!("{stem}.so.{release}"));
            std::fs::write(&file, "").unwrap();
            let link = folder.join(format!("{stem}.of.{release}"));
            let _ = std::fs::remove_file(&link);
            std::os::unix::fs::symlink(&file, &link).unwrap();
            link
        };
        let newer = |library: &str, parser: &str| {
            let version = Version::from_raw(100_300);
            let library = installed("libnvinfer", library);
            newer_parser(version, &library, &installed("libnvonnxparser", parser), 100)
        };
        assert_eq!(newer("10.3.0", "10.16.1").as_deref(), Some("the parser of 10.16.1"));
        for (library, parser) in
            [("10.3.0", "10.3.0"), ("10.16.1", "10.3.0"), ("10.3.0", "11.0.0"), ("10", "10.16.1")]
        {
            assert_eq!(newer(library, parser), None, "{library} {parser}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
