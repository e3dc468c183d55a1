//! Programs of `PATH`.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// There is no such program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no program `{}` in the absolute folders of PATH", name.display())]
pub struct NoProgram {
    /// The name that was looked for.
    pub name: PathBuf,
}

/// Returns the absolute path of a program: of a bare name that in `PATH`, whose relative and empty
/// entries are passed over, and of any other path itself.
///
/// # Errors
///
/// [`NoProgram`] for a bare name that is in no folder of `PATH`.
pub fn program(name: &Path) -> Result<PathBuf, NoProgram> {
    let path = env::var_os("PATH").unwrap_or_default();
    find(name, &path).ok_or_else(|| NoProgram { name: name.to_owned() })
}

fn find(name: &Path, path: &OsStr) -> Option<PathBuf> {
    if !is_bare(name) {
        return std::path::absolute(name).ok();
    }
    let folders = env::split_paths(path).filter(|folder| folder.is_absolute());
    folders.map(|folder| folder.join(name)).find(|file| is_program(file))
}

/// Whether a path is a name alone, which is searched for.
pub(crate) fn is_bare(name: &Path) -> bool {
    name.parent() == Some(Path::new("")) && !name.as_os_str().is_empty()
}

fn is_program(file: &Path) -> bool {
    let Ok(metadata) = file.metadata() else { return false };
    #[cfg(unix)]
    let is_executable =
        std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let is_executable = true;
    metadata.is_file() && is_executable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_bare_name_is_found_in_absolute_folders_alone() {
        use std::os::unix::fs::PermissionsExt;

        // The tests run in the package's folder.
        let local = tempfile::tempdir_in(".").unwrap();
        let other = tempfile::tempdir().unwrap();
        let make = |folder: &Path, mode| {
            let file = folder.join("tool");
            std::fs::write(&file, "").unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        make(local.path(), 0o755);
        make(other.path(), 0o755);
        let relative = Path::new(local.path().file_name().unwrap());
        assert!(relative.join("tool").exists());
        let path = |folders: &[&Path]| env::join_paths(folders).unwrap();
        let found = |folders: &[&Path]| find(Path::new("tool"), &path(folders));
        assert_eq!(found(&[relative, Path::new(""), Path::new(".")]), None);
        assert_eq!(found(&[relative, other.path()]), Some(other.path().join("tool")));
        make(other.path(), 0o644);
        assert_eq!(found(&[other.path()]), None);
        assert_eq!(find(Path::new("tool"), OsStr::new("")), None);
    }

    #[test]
    fn a_path_is_taken_as_it_is() {
        let here = env::current_dir().unwrap();
        assert_eq!(find(Path::new("./tool"), OsStr::new("")), Some(here.join("tool")));
        assert_eq!(find(Path::new("/bin/tool"), OsStr::new("")), Some("/bin/tool".into()));
    }
}
