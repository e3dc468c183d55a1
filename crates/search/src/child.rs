//! Children of this process that end when it has had enough of them, with all that they have started.
//!
//! A child leads a process group of its own, so that a script around an interpreter ends with the interpreter.
//! No signal to the group of this process reaches it then, neither a terminal's nor that of `timeout`: [`run`] asks its
//! caller again and again whether to go on, and whoever ends the process in the middle calls [`end_children`].

use std::io::{self, Read};
use std::mem;
use std::ops::ControlFlow;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::NoProgram;

/// How often whoever waits for a child is asked whether to go on.
const TICK: Duration = Duration::from_millis(100);

/// How long to wait at first for a child that has closed its output, and will end in a moment.
const FIRST_PAUSE: Duration = Duration::from_millis(1);

/// What a child may say.
const LIMIT_BYTES: usize = 4 << 20;

/// The process groups that run. A signal ends the whole process, so what it has to take along is known to all of it.
static RUNNING: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// What a child has left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to its standard output, where that is piped.
    pub stdout: Vec<u8>,
    /// What it wrote to its standard error, where that is piped.
    pub stderr: Vec<u8>,
}

/// Why a child has left nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChildError {
    /// There is no such program.
    #[error(transparent)]
    NoProgram(#[from] NoProgram),
    /// It cannot be started, or waited for.
    #[error(transparent)]
    System(#[from] io::Error),
    /// It says more than anybody wants to know.
    #[error("it says more than {} MiB", LIMIT_BYTES >> 20)]
    TooMuch,
    /// The caller had enough.
    #[error("it was cancelled")]
    Cancelled,
}

/// Whether to go on waiting for a child; asked several times a second.
pub type GoOn<'a> = dyn FnMut() -> ControlFlow<()> + 'a;

/// Runs a command to its end, and returns what it left. Where `go_on` answers with `Break`, the child is killed, with all
/// that it has started.
///
/// # Errors
///
/// [`ChildError`]; none leaves a child behind.
pub fn run(command: &mut Command, go_on: &mut GoOn<'_>) -> Result<Ended, ChildError> {
    let mut running = Running::start(command)?;
    let [stdout, stderr] = running.listen(go_on)?;
    let status = running.wait(go_on)?;
    Ok(Ended { status, stdout, stderr })
}

/// Kills every child, with all that they have started, and lets no other start: for a process that is about to end.
pub fn end_children() {
    let running = lock();
    running.iter().for_each(|&group| kill_group(group));
    // Whoever would start another waits for the end of the process.
    mem::forget(running);
}

/// Which stream some bytes are of, and the bytes.
type Piece = (usize, Vec<u8>);
const STDOUT: usize = 0;
const STDERR: usize = 1;

/// A child that is killed unless it has ended.
struct Running {
    child: Child,
    status: Option<ExitStatus>,
}

impl Running {
    fn start(command: &mut Command) -> io::Result<Self> {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        // Under the lock, so that no child escapes who ends all of them.
        let mut running = lock();
        let child = command.spawn()?;
        running.push(child.id());
        Ok(Self { child, status: None })
    }

    /// Collects what it says until it closes its output, or has ended.
    fn listen(&mut self, go_on: &mut GoOn<'_>) -> Result<[Vec<u8>; 2], ChildError> {
        let receiver = self.read()?;
        let mut said = [Vec::new(), Vec::new()];
        loop {
            match receiver.recv_timeout(TICK) {
                Ok((stream, piece)) => {
                    let said = &mut said[stream];
                    if said.len() + piece.len() > LIMIT_BYTES {
                        return Err(ChildError::TooMuch);
                    }
                    said.extend(piece);
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(said),
                // Something that it has started still holds its output, and says nothing.
                Err(RecvTimeoutError::Timeout) if self.has_ended()? => return Ok(said),
                Err(RecvTimeoutError::Timeout) if go_on().is_break() => {
                    return Err(ChildError::Cancelled);
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Has threads read what is piped.
    fn read(&mut self) -> io::Result<Receiver<Piece>> {
        let (sender, receiver) = sync_channel(16);
        if let Some(stream) = self.child.stdout.take() {
            send(STDOUT, stream, sender.clone())?;
        }
        if let Some(stream) = self.child.stderr.take() {
            send(STDERR, stream, sender)?;
        }
        Ok(receiver)
    }

    fn wait(&mut self, go_on: &mut GoOn<'_>) -> Result<ExitStatus, ChildError> {
        let mut pause = FIRST_PAUSE;
        loop {
            if self.has_ended()?
                && let Some(status) = self.status
            {
                return Ok(status);
            }
            if go_on().is_break() {
                return Err(ChildError::Cancelled);
            }
            thread::sleep(pause);
            pause = (2 * pause).min(TICK);
        }
    }

    /// Whether it has ended by itself; then nothing of it is left.
    fn has_ended(&mut self) -> io::Result<bool> {
        // Under the lock, because its number may be another's as soon as the system has told how it ended.
        let mut running = lock();
        if self.status.is_none() {
            self.status = self.child.try_wait()?;
        }
        if self.status.is_some() {
            running.retain(|&group| group != self.child.id());
        }
        Ok(self.status.is_some())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.has_ended(), Ok(true)) {
            return;
        }
        kill_group(self.child.id());
        // Where there is no group, and where it is gone by itself meanwhile, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
        lock().retain(|&group| group != self.child.id());
    }
}

/// Sends what a stream gives, piece by piece, until it ends or nobody listens.
fn send(
    number: usize,
    mut stream: impl Read + Send + 'static,
    sender: SyncSender<Piece>,
) -> io::Result<()> {
    thread::Builder::new().spawn(move || {
        let mut piece = [0; 4096];
        while let Ok(read @ 1..) = stream.read(&mut piece) {
            if sender.send((number, piece[..read].to_vec())).is_err() {
                return;
            }
        }
    })?;
    Ok(())
}

fn lock() -> MutexGuard<'static, Vec<u32>> {
    // A list of numbers is whole at every moment.
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(unix)]
fn kill_group(group: u32) {
    use rustix::process::{Pid, Signal, kill_process_group};

    if let Some(group) = i32::try_from(group).ok().and_then(Pid::from_raw) {
        // It may have ended by itself meanwhile, which is as good.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// Elsewhere a child has no group, and is killed alone.
#[cfg(not(unix))]
fn kill_group(_: u32) {}

#[cfg(test)]
#[cfg(unix)] // the tests play children with a shell
mod tests {
    use std::process::Stdio;

    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).stdin(Stdio::null());
        command
    }

    fn go_on() -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    #[test]
    fn what_is_piped_is_heard_and_the_end_told() {
        let says = "echo out; echo err >&2; exit 3";
        for (stdout, stderr) in [(true, true), (true, false), (false, true), (false, false)] {
            let stream = |piped: bool| if piped { Stdio::piped() } else { Stdio::null() };
            let mut command = shell(says);
            command.stdout(stream(stdout)).stderr(stream(stderr));
            let ended = run(&mut command, &mut go_on).unwrap();
            assert_eq!(ended.stdout, if stdout { &b"out\n"[..] } else { b"" });
            assert_eq!(ended.stderr, if stderr { &b"err\n"[..] } else { b"" });
            assert_eq!(ended.status.code(), Some(3));
        }
    }

    #[test]
    fn a_cancelled_child_is_killed_and_reaped() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let script = format!("echo $$ > '{}'; sleep 600 & wait", file.display());
        let mut has_begun = || match file.exists() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        let cancelled = run(shell(&script).stdout(Stdio::piped()), &mut has_begun);
        assert!(matches!(cancelled, Err(ChildError::Cancelled)), "{cancelled:?}");
        // One that was killed and not reaped would still be there.
        let is_there = format!("kill -0 $(cat '{}') 2> /dev/null", file.display());
        assert!(!run(&mut shell(&is_there), &mut go_on).unwrap().status.success());
    }

    #[test]
    fn what_a_child_leaves_running_is_not_waited_for() {
        let mut command = shell("sleep 600 & echo $!");
        let ended = run(command.stdout(Stdio::piped()), &mut go_on).unwrap();
        let pid = String::from_utf8(ended.stdout).unwrap();
        assert!(run(&mut shell(&format!("kill {pid}")), &mut go_on).unwrap().status.success());
    }

    #[test]
    fn a_child_without_an_end_to_its_words_is_cut_short() {
        let mut command =
            shell("while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done");
        let error = run(command.stdout(Stdio::piped()), &mut go_on).unwrap_err();
        assert_eq!(error.to_string(), "it says more than 4 MiB");
    }
}
