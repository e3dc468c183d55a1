//! A Python interpreter, run so that nothing of the current folder or of `PYTHON*` gets into it.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::program;

/// An interpreter, as people name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Python {
    name: PathBuf,
}

/// Prints the folders that packages are in: the interpreter's own, and the user's, which isolation
/// leaves out.
const FOLDERS: &str =
    "import site, sys; print('\\n'.join([*sys.path, site.getusersitepackages()]))";

/// Runs a module as `-m` does, which may be one of the user's own packages.
const MODULE: &str = "import runpy, site, sys; sys.path.append(site.getusersitepackages()); \
    module = sys.argv.pop(1); runpy.run_module(module, run_name='__main__', alter_sys=True)";

impl Python {
    /// The interpreter of this name or path, else `python3`.
    #[must_use]
    pub fn named(name: Option<PathBuf>) -> Self {
        Self { name: name.unwrap_or_else(|| "python3".into()) }
    }

    /// Returns the interpreter as it was named.
    #[must_use]
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// Returns a command that runs a module, to which arguments can be added.
    ///
    /// # Errors
    ///
    /// When there is no such interpreter.
    pub fn module(&self, module: &str) -> io::Result<Command> {
        let mut command = self.isolated(MODULE)?;
        command.arg(module);
        Ok(command)
    }

    /// Returns the absolute folders that the interpreter finds packages in.
    ///
    /// # Errors
    ///
    /// When there is no such interpreter, or it cannot be started.
    pub fn package_folders(&self) -> io::Result<Vec<PathBuf>> {
        let output = self.isolated(FOLDERS)?.stderr(Stdio::null()).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let folders = text.lines().map(PathBuf::from);
        Ok(folders.filter(|folder| folder.is_absolute()).collect())
    }

    /// The interpreter with a program of ours, and nothing to read.
    fn isolated(&self, code: &str) -> io::Result<Command> {
        let python =
            program(&self.name).map_err(|error| io::Error::new(io::ErrorKind::NotFound, error))?;
        let mut command = Command::new(python);
        command.args(["-I", "-c", code]).stdin(Stdio::null());
        Ok(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interpreter_that_is_nowhere_is_an_error() {
        let missing = Python::named(Some("/nonexistent/python3".into()));
        assert_eq!(missing.package_folders().unwrap_err().kind(), io::ErrorKind::NotFound);
        let bare = Python::named(Some("no-such-python".into()));
        assert_eq!(bare.package_folders().unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
