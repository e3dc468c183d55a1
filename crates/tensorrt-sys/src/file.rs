//! Opens a file and looks up what it exports.

use std::ffi::c_void;
use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::ptr;

use crate::error::OpenError;

/// An exported function of type `F`, a function pointer.
pub struct EntryPoint<F> {
    symbol: &'static str,
    marker: PhantomData<F>,
}

impl<F> EntryPoint<F> {
    pub(crate) const fn new(symbol: &'static str) -> Self {
        Self { symbol, marker: PhantomData }
    }
}

impl<F> fmt::Debug for EntryPoint<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol)
    }
}

/// A file that the loader opened, never to be closed.
pub(crate) struct File {
    handle: ManuallyDrop<libloading::Library>,
    pub(crate) path: PathBuf,
}

impl File {
    /// Opens a library with all its symbols bound, so that what is missing fails here and not in the middle of a call.
    ///
    /// # Safety
    /// Opening runs the library's code.
    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    pub(crate) unsafe fn open(path: &Path) -> Result<Self, OpenError> {
        use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

        let is_bare = path.parent() == Some(Path::new(""));
        if let Some(found) = calibrant_search::led_astray(path) {
            return Err(OpenError::Astray { name: path.to_owned(), found });
        }
        // A bare name is the loader's to find, and a file that cannot be read is the loader's to complain of.
        if !is_bare
            && let Ok(Some(missing)) =
                std::fs::File::open(path).and_then(|mut file| crate::elf::missing_bytes(&mut file))
        {
            return Err(OpenError::Truncated { path: path.to_owned(), missing });
        }
        // SAFETY: the caller's promise.
        let handle = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }
            .map_err(|source| OpenError::Load { path: path.to_owned(), source })?;
        let mut file = Self { handle: ManuallyDrop::new(handle.into()), path: path.to_owned() };
        if is_bare && let Some(found) = file.mapped_path() {
            file.path = found;
        }
        Ok(file)
    }

    /// The file that the loader took for a bare name, as the system lists it.
    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    fn mapped_path(&self) -> Option<PathBuf> {
        use crate::entry_points::{GET_INFER_LIB_VERSION, GET_NV_ONNX_PARSER_VERSION};

        // TensorRT has the one function and its parser the other, besides the first through what it is linked against.
        let own = [GET_NV_ONNX_PARSER_VERSION.symbol, GET_INFER_LIB_VERSION.symbol];
        let address = own
            .map(|symbol| self.address(symbol).addr())
            .into_iter()
            .find(|&address| address != 0)?;
        let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
        // A line is "from-to permissions offset device inode path"; the path may contain spaces.
        let holds = |line: &&str| {
            let range = line.split_whitespace().next().and_then(|range| range.split_once('-'));
            let bound = |text| usize::from_str_radix(text, 16).ok();
            range.and_then(|(from, to)| Some((bound(from)?..bound(to)?).contains(&address)))
                == Some(true)
        };
        let line = maps.lines().find(holds)?;
        let path = Path::new(&line[line.find('/')?..]);
        Some(path.to_owned())
    }

    /// The tables describe the C++ interface of Linux on 64-bit machines, and no other.
    #[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
    pub(crate) unsafe fn open(_path: &Path) -> Result<Self, OpenError> {
        Err(OpenError::Platform)
    }

    /// An exported function of this file or of one it is linked against.
    pub(crate) fn find<F: Copy>(&self, entry_point: &EntryPoint<F>) -> Option<F> {
        // SAFETY: the tables give each name the type that the headers of every generation declare.
        let symbol = unsafe { self.handle.get::<F>(entry_point.symbol) };
        symbol.ok().map(|symbol| *symbol)
    }

    pub(crate) fn get<F: Copy>(&self, entry_point: &EntryPoint<F>) -> Result<F, OpenError> {
        let missing = || OpenError::Symbol { path: self.path.clone(), symbol: entry_point.symbol };
        self.find(entry_point).ok_or_else(missing)
    }

    /// The address of a symbol, or null.
    pub(crate) fn address(&self, symbol: &str) -> *const c_void {
        // SAFETY: only the address is taken.
        let symbol = unsafe { self.handle.get::<*const c_void>(symbol) };
        // SAFETY: the address may outlive the symbol, because the file is never closed.
        symbol.ok().and_then(|symbol| unsafe { symbol.try_as_raw_ptr() }).unwrap_or(ptr::null_mut())
    }
}
