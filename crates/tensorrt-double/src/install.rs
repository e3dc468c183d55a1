//! Lays the double out as the vendor's files, and finds the double's own.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tensorrt_sys::{Generation, Product, Version};

use crate::driver::{Faults, Live};
use crate::home;

/// What lies beside the library, and how it differs from a good one.
#[derive(Debug, Clone, Default)]
pub struct Installation {
    /// Whether a CUDA driver lies there too. Without one, the double asks the system's for what it reads.
    pub driver: Driver,
    /// What goes wrong in that driver.
    pub cuda_faults: Faults,
    /// Whether the addresses that calibrators give are those of host memory.
    pub addresses: Addresses,
    /// What `getNvOnnxParserVersion` answers, if not what parsers of the version do.
    pub parser_version: Option<i32>,
    /// How many DLA cores there are, if not two (none for TensorRT-RTX).
    pub dla_cores: Option<i32>,
    /// A line that calibration caches end in, for programs that have to do with forms they do not know.
    pub cache_line: Option<String>,
    /// How many milliseconds a build takes at least: a real one takes minutes, in which things happen to programs.
    pub build_ms: Option<u32>,
    /// Exported functions that the library lacks.
    pub without: Vec<&'static str>,
}

/// Whose memory calibrators give the addresses of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Addresses {
    /// The CUDA driver's.
    #[default]
    Device,
    /// The process's own.
    Host,
}

/// Which CUDA driver there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Driver {
    /// The system's, or none.
    #[default]
    System,
    /// The double's, as `libcuda.so.1` and `libcuda.so`.
    Double,
}

/// The files that [`install`] laid out.
#[derive(Debug, Clone)]
pub struct Installed {
    /// Where they lie.
    pub folder: PathBuf,
    /// `libnvinfer.so.N`, or `libtensorrt_rtx.so.1`.
    pub library: PathBuf,
    /// `libnvonnxparser.so.N`, or `libtensorrt_onnxparser_rtx.so.1`.
    pub parser: PathBuf,
    /// `libcuda.so.1`, if it is the double's.
    pub driver: Option<PathBuf>,
}

/// Why the double cannot be laid out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// The double's own file is not where cargo puts it.
    #[error(
        "found no {} in {}: build the package tensorrt-double, or name the file in {VARIABLE}",
        file_name(),
        tried.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    )]
    NotBuilt {
        /// Where it was looked for.
        tried: Vec<PathBuf>,
    },
    /// A file cannot be read or written.
    #[error("cannot lay out {}", path.display())]
    File {
        /// Its path, as it was named.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The library has no such function that it could lack.
    #[error("the double has no function {symbol} to leave out")]
    Symbol {
        /// The function.
        symbol: &'static str,
    },
    /// The installed driver does not tell what it keeps.
    #[error("cannot ask {} what it keeps", path.display())]
    Ask {
        /// The driver.
        path: PathBuf,
        /// What the loader says.
        source: libloading::Error,
    },
}

/// The environment variable that names the double's own file.
const VARIABLE: &str = "TENSORRT_DOUBLE";

/// The double's own file: a `cdylib`, which cargo builds whenever a package depends on this one.
///
/// It is looked for beside the running program and in the folders around it, where cargo keeps what it builds; the
/// environment variable `TENSORRT_DOUBLE` names it elsewhere.
///
/// # Errors
/// [`InstallError::NotBuilt`].
pub fn library_path() -> Result<PathBuf, InstallError> {
    if let Some(path) = env::var_os(VARIABLE).map(PathBuf::from) {
        return if path.is_file() {
            Ok(path)
        } else {
            Err(InstallError::NotBuilt { tried: vec![path] })
        };
    }
    let program = env::current_exe().unwrap_or_default();
    let around = program.ancestors().skip(1).take(3);
    let tried: Vec<PathBuf> = around
        // Beside a program lies what was built when the double itself was asked for, in `deps` what the program was
        // built with.
        .flat_map(|folder| [folder.join("deps").join(file_name()), folder.join(file_name())])
        .collect();
    tried.iter().find(|path| path.is_file()).cloned().ok_or(InstallError::NotBuilt { tried })
}

fn file_name() -> String {
    format!("{}tensorrt_double{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX)
}

/// Makes `folder` one with a TensorRT of a version in it, unknown versions too.
///
/// All files are one: the loader maps it once, so that the parser works on the library's objects, as the vendor's does.
/// Two folders have two, so a process can open several versions.
///
/// # Errors
/// [`InstallError`]: the double is not built, or the folder cannot be written to.
pub fn install(
    folder: &Path,
    version: Version,
    options: &Installation,
) -> Result<Installed, InstallError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| InstallError::File { path, source }
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let (library, parser, others) = names(version);
    let (library, parser) = (folder.join(library), folder.join(parser));
    copy(&library_path()?, &library, &options.without)?;
    let driver = (options.driver == Driver::Double).then(|| folder.join(home::DRIVER));
    let mut links = vec![parser.clone()];
    links.extend(others.into_iter().map(|name| folder.join(name)));
    links.extend(driver.clone());
    links.extend(driver.is_some().then(|| folder.join("libcuda.so")));
    for link in &links {
        remove(link)?;
        fs::hard_link(&library, link).map_err(failed(link))?;
    }
    let number = |number: i32| number.to_string();
    let faults = options.cuda_faults.to_text();
    let files = [
        (home::VERSION, Some(number(version.raw()))),
        (home::PARSER_VERSION, options.parser_version.map(number)),
        (home::DLA_CORES, options.dla_cores.map(number)),
        (home::CACHE_LINE, options.cache_line.clone()),
        (home::BUILD_MS, options.build_ms.map(|ms| ms.to_string())),
        (home::HOST_POINTERS, (options.addresses == Addresses::Host).then(String::new)),
        (home::CUDA_FAULTS, (!faults.is_empty()).then_some(faults)),
    ];
    for (name, text) in files {
        let path = folder.join(name);
        match text {
            Some(text) => fs::write(&path, text).map_err(failed(&path))?,
            None => remove(&path)?,
        }
    }
    Ok(Installed { folder: folder.to_owned(), library, parser, driver })
}

impl Installed {
    /// What the double's CUDA driver in the folder keeps, in this process.
    ///
    /// # Errors
    /// [`InstallError::Ask`] if there is none.
    #[cfg(unix)]
    pub fn live(&self) -> Result<Live, InstallError> {
        use libloading::os::unix::Library;

        let path = self.driver.as_ref().unwrap_or(&self.library);
        let failed = |source| InstallError::Ask { path: path.clone(), source };
        // SAFETY: the file is a copy of the double, which may be opened any number of times.
        let library = unsafe { Library::new(path) }.map_err(failed)?;
        // SAFETY: the double exports the function by this name and type.
        let live = unsafe { library.get::<extern "C" fn() -> Live>("tensorrt_double_live") };
        let live = live.map_err(failed)?();
        // Its state is to outlive this question.
        std::mem::forget(library);
        Ok(live)
    }

    /// Changes what goes wrong in the driver from now on.
    ///
    /// # Errors
    /// [`InstallError::File`].
    pub fn set_cuda_faults(&self, faults: Faults) -> Result<(), InstallError> {
        let path = self.folder.join(home::CUDA_FAULTS);
        fs::write(&path, faults.to_text()).map_err(|source| InstallError::File { path, source })
    }
}

/// The vendor's file names for a version: the library, the parser, and what else its clients are linked against.
fn names(version: Version) -> (String, String, Vec<String>) {
    let (major, ..) = version.parts();
    let name = |stem: &str| format!("lib{stem}.so.{major}");
    if version.product() == Product::TensorRtRtx {
        return (name("tensorrt_rtx"), name("tensorrt_onnxparser_rtx"), Vec::new());
    }
    let mut others = vec![name("nvinfer_plugin")];
    if version.generation() == Some(Generation::TensorRt8) {
        others.push(name("nvparsers"));
    }
    (name("nvinfer"), name("nvonnxparser"), others)
}

/// Copies the double, renaming the functions it is to lack.
fn copy(from: &Path, to: &Path, without: &[&'static str]) -> Result<(), InstallError> {
    remove(to)?;
    let failed = |source| InstallError::File { path: to.to_owned(), source };
    fs::copy(from, to).map_err(failed)?;
    if without.is_empty() {
        return Ok(());
    }
    let mut bytes = fs::read(to).map_err(failed)?;
    for &symbol in without {
        let name = [b"\0", symbol.as_bytes(), b"\0"].concat();
        let places: Vec<usize> = bytes
            .windows(name.len())
            .enumerate()
            .filter_map(|(at, window)| (window == name).then_some(at))
            .collect();
        if places.is_empty() {
            return Err(InstallError::Symbol { symbol });
        }
        for at in places {
            // A name of the same length, so that nothing moves.
            bytes[at + 1] = b'_';
        }
    }
    fs::write(to, bytes).map_err(failed)
}

/// Removes a file that may not be there: a file that a process has mapped must not be written over.
fn remove(path: &Path) -> Result<(), InstallError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(InstallError::File { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}
