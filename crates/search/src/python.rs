//! A Python interpreter, run so that nothing of the current folder or of `PYTHON*` gets into it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::child::{ChildError, GoOn, run};
use crate::program::{NoProgram, program};

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
    pub fn module(&self, module: &str) -> Result<Command, NoProgram> {
        let mut command = self.isolated(MODULE)?;
        command.arg(module);
        Ok(command)
    }

    /// Returns the absolute folders that the interpreter finds packages in.
    ///
    /// # Errors
    ///
    /// When there is no such interpreter, it cannot be started, or `go_on` answers with `Break`, which ends it.
    pub fn package_folders(&self, go_on: &mut GoOn<'_>) -> Result<Vec<PathBuf>, ChildError> {
        let mut command = self.isolated(FOLDERS)?;
        let ended = run(command.stdout(Stdio::piped()).stderr(Stdio::null()), go_on)?;
        let text = String::from_utf8_lossy(&ended.stdout);
        let folders = text.lines().map(PathBuf::from);
        Ok(folders.filter(|folder| folder.is_absolute()).collect())
    }

    /// The interpreter with a program of ours, and nothing to read.
    fn isolated(&self, code: &str) -> Result<Command, NoProgram> {
        let mut command = Command::new(program(&self.name)?);
        command.args(["-I", "-c", code]).stdin(Stdio::null());
        Ok(command)
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::ops::ControlFlow;

    use super::*;

    #[test]
    fn an_interpreter_that_is_nowhere_is_an_error() {
        let folders = |name: &str| {
            let python = Python::named(Some(name.into()));
            python.package_folders(&mut || ControlFlow::Continue(())).unwrap_err()
        };
        let missing = folders("/nonexistent/python3");
        assert!(
            matches!(&missing, ChildError::System(error) if error.kind() == ErrorKind::NotFound)
        );
        let bare = folders("no-such-python");
        assert!(matches!(bare, ChildError::NoProgram(_)), "{bare:?}");
    }
}
