//! The file that the double was loaded from, and the files beside it that say what it plays.

use std::path::{Path, PathBuf};

/// The version, as the integer that `getInferLibVersion` answers.
pub(crate) const VERSION: &str = "version";

/// What `getNvOnnxParserVersion` answers, if not what parsers of that version do.
pub(crate) const PARSER_VERSION: &str = "parser-version";

/// Present if the addresses that calibrators give are those of host memory.
pub(crate) const HOST_POINTERS: &str = "host-pointers";

/// How many DLA cores there are.
pub(crate) const DLA_CORES: &str = "dla-cores";

/// A line that the caches of the double end in, as none of the vendor's is known to.
pub(crate) const CACHE_LINE: &str = "cache-line";

/// How many milliseconds a build takes, if not as few as it needs.
pub(crate) const BUILD_MS: &str = "build-ms";

/// What goes wrong in the CUDA driver: see [`Faults`](crate::Faults).
pub(crate) const CUDA_FAULTS: &str = "cuda-faults";

/// The driver's file, as the loader is asked for it.
pub(crate) const DRIVER: &str = "libcuda.so.1";

/// The folder of the file that this code was loaded from.
pub(crate) fn folder() -> Option<PathBuf> {
    let own: fn() -> Option<PathBuf> = folder;
    Some(mapped_file(own as usize)?.parent()?.to_owned())
}

/// The file that is mapped at an address, as the system lists it.
fn mapped_file(address: usize) -> Option<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let line =
        maps.lines().find(|line| range(line).is_some_and(|range| range.contains(&address)))?;
    Some(Path::new(&line[line.find('/')?..]).to_owned())
}

/// The addresses of a line, which reads "from-to permissions offset device inode path".
fn range(line: &str) -> Option<std::ops::Range<usize>> {
    let (from, to) = line.split_whitespace().next()?.split_once('-')?;
    let bound = |text| usize::from_str_radix(text, 16).ok();
    Some(bound(from)?..bound(to)?)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn code_lies_in_the_file_it_was_loaded_from() {
        let program = std::env::current_exe().unwrap().canonicalize().unwrap();
        assert_eq!(folder().as_deref(), program.parent());
        assert_eq!(mapped_file(0), None);
    }
}
