//! Gets NVIDIA's TensorRT-RTX and Microsoft's ONNX Runtime through pip.
//!
//! The wheel is pinned by version and SHA-256, so a fetch is the same everywhere and for ever. pip does the downloading,
//! because it knows the user's mirrors, proxies and certificates; nothing here speaks to a network.
//!
//! The libraries appear in their folder at once, by renaming, when all of them are unpacked: an interrupted fetch leaves
//! nothing that the next one would take for whole, and of two fetches at a time the second finds what the first made.

mod pinned;
mod pip;

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use calibrant_files::RegularFile;
use calibrant_tensor::digest_reader;

use crate::environment::Environment;
use crate::error::FetchError;
use crate::product::Product;

use self::pinned::Wheel;

/// What happens while a library is looked for or fetched. `Display` gives a line for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LocateEvent {
    /// What will be downloaded, under whose licence.
    Begin {
        /// The package with its version.
        requirement: String,
        /// The size of the download.
        bytes: u64,
        /// What is accepted by fetching it.
        licence: &'static str,
        /// Where the libraries will lie.
        folder: PathBuf,
    },
    /// Another process fetches; this one waits for it.
    Waiting {
        /// Where the libraries will lie.
        folder: PathBuf,
    },
    /// An interpreter is asked where its packages are; said again and again until it answers, so that it can be cancelled.
    Asking {
        /// The interpreter.
        python: PathBuf,
    },
    /// A try failed; the next one follows.
    Retry {
        /// Which try failed, from 1.
        attempt: u32,
        /// What pip said last.
        reason: String,
    },
    /// The download goes on; also said when nothing moves, so that it can be cancelled.
    Progress {
        /// Bytes on disk.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// The libraries lie in their folder.
    Done {
        /// What was fetched.
        product: Product,
        /// Where it lies.
        folder: PathBuf,
    },
}

impl fmt::Display for LocateEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: &u64| bytes >> 20;
        match self {
            Self::Begin { requirement, bytes, licence, folder } => write!(
                f,
                "fetching {requirement} ({} MiB) with pip into {}\n{licence}",
                mib(bytes),
                folder.display()
            ),
            Self::Waiting { folder } => {
                write!(f, "waiting for another process that fetches into {}", folder.display())
            }
            Self::Asking { python } => write!(f, "asking {} for its packages", python.display()),
            Self::Retry { attempt, reason } => {
                write!(f, "try {attempt} failed ({reason}), trying again")
            }
            Self::Progress { done, total } => write!(f, "{} of {} MiB", mib(done), mib(total)),
            Self::Done { product, folder } => {
                write!(f, "{} lies in {}", product.fetched(), folder.display())
            }
        }
    }
}

/// Libraries that were fetched, now or before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The folder with the libraries.
    pub folder: PathBuf,
    /// The package with its version.
    pub requirement: String,
}

/// Fetches what is pinned of a product into the cache folder, unless it is there.
///
/// `say` hears what happens, several times a second while pip works; `Break` cancels.
///
/// # Errors
/// [`FetchError`].
pub fn fetch(
    product: Product,
    environment: &Environment,
    say: &mut dyn FnMut(LocateEvent) -> ControlFlow<()>,
) -> Result<Fetched, FetchError> {
    fetch_wheel(Wheel::of_this_machine(product)?, environment, say)
}

/// The folder of what was fetched before, checked to the byte; else the folder that it would be in and why it does not do.
pub(crate) fn fetched_before(
    product: Product,
    environment: &Environment,
) -> Result<PathBuf, (PathBuf, String)> {
    let nothing =
        |place: Option<PathBuf>| (place.unwrap_or_default(), "nothing was fetched".to_owned());
    let wheel = Wheel::of_this_machine(product).map_err(|_| nothing(environment.cache.clone()))?;
    let folder = folder_of(wheel, environment).map_err(|_| nothing(environment.cache.clone()))?;
    match folder.exists() {
        false => Err(nothing(environment.cache.clone())),
        true if wheel.is_whole(&folder) => Ok(folder),
        true => {
            let reason = "its files are not those that were fetched; fetching replaces them";
            Err((folder, reason.to_owned()))
        }
    }
}

/// The folder that a wheel's libraries have to themselves.
fn folder_of(wheel: &Wheel, environment: &Environment) -> Result<PathBuf, FetchError> {
    let cache =
        environment.cache.as_ref().ok_or(FetchError::NoCacheFolder { product: wheel.product })?;
    Ok(cache.join(wheel.product.shelf()).join(format!("{}-{}", wheel.version, &wheel.sha256[..8])))
}

fn fetch_wheel(
    wheel: &Wheel,
    environment: &Environment,
    say: &mut dyn FnMut(LocateEvent) -> ControlFlow<()>,
) -> Result<Fetched, FetchError> {
    let folder = folder_of(wheel, environment)?;
    let fetched = Fetched { folder: folder.clone(), requirement: wheel.requirement() };
    if wheel.is_whole(&folder) {
        return Ok(fetched);
    }
    let mut tell = |event| if say(event).is_break() { Err(FetchError::Cancelled) } else { Ok(()) };
    let shelf = folder.parent().unwrap_or(&folder);
    fs::create_dir_all(shelf).map_err(|source| cannot_use(shelf, source))?;
    let _lock = lock(shelf, wheel, &folder, &mut tell)?;
    if wheel.is_whole(&folder) {
        return Ok(fetched);
    }
    tell(LocateEvent::Begin {
        requirement: wheel.requirement(),
        bytes: wheel.bytes,
        licence: wheel.licence,
        folder: folder.clone(),
    })?;
    // Nobody else writes here: what lies there is a killed process's, or incomplete.
    remove_leftovers(shelf, &folder).map_err(|source| cannot_use(shelf, source))?;
    let partial = tempfile::Builder::new()
        .prefix(PARTIAL)
        .tempdir_in(shelf)
        .map_err(|source| cannot_use(shelf, source))?;
    let file = pip::download(wheel, &environment.interpreter(), partial.path(), &mut tell)?;
    let found = sha256_of(&file).map_err(|source| cannot_use(&file, source))?;
    if found != wheel.sha256 {
        return Err(FetchError::Hash { wheel: file, found, expected: wheel.sha256.to_owned() });
    }
    let unpacked = partial.path().join("unpacked");
    wheel.unpack(&file, &unpacked)?;
    fs::rename(&unpacked, &folder).map_err(|source| cannot_use(&folder, source))?;
    tell(LocateEvent::Done { product: wheel.product, folder })?;
    Ok(fetched)
}

/// How often the caller hears of the progress, and may cancel.
const TICK: Duration = Duration::from_millis(200);

/// Says what happens; an error cancels.
type Tell<'t> = dyn FnMut(LocateEvent) -> Result<(), FetchError> + 't;

/// How the folders of unfinished fetches begin.
const PARTIAL: &str = ".partial-";

/// Takes the lock that only one fetch at a time holds; it is free again when the process ends, however it ends.
fn lock(
    shelf: &Path,
    wheel: &Wheel,
    folder: &Path,
    tell: &mut Tell<'_>,
) -> Result<File, FetchError> {
    let path = shelf.join(".lock");
    let unusable = |source| cannot_use(&path, source);
    let file = File::create(&path).map_err(unusable)?;
    let mut is_told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if is_told => {
                thread::sleep(TICK);
                tell(LocateEvent::Progress { done: 0, total: wheel.bytes })?;
            }
            Err(TryLockError::WouldBlock) => {
                is_told = true;
                tell(LocateEvent::Waiting { folder: folder.to_owned() })?;
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
    }
}

fn remove_leftovers(shelf: &Path, folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(shelf)? {
        let path = entry?.path();
        let partial =
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PARTIAL));
        if partial || path == folder {
            fs::remove_dir_all(&path)?;
        }
    }
    Ok(())
}

/// The SHA-256 of a file, in hexadecimal digits.
fn sha256_of(path: &Path) -> io::Result<String> {
    let file = RegularFile::open(path)?;
    Ok(digest_reader(file.file())?.to_string())
}

fn cannot_use(path: &Path, source: io::Error) -> FetchError {
    FetchError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
#[cfg(unix)] // the tests play pip with a shell script
mod tests {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::fetch::pinned::Member;

    /// A cache folder, a wheel in it, and an interpreter that plays pip with `script`.
    struct Stage {
        folder: tempfile::TempDir,
        wheel: Wheel,
        environment: Environment,
    }

    const MEMBERS: &[Member] = &[
        Member {
            path: "libs/liba.so.1",
            bytes: 7,
            sha256: "b718f1354f7247312eca086d9a024afe5fa717ddea5adeddd6f12bcf945b2e8c",
        },
        Member {
            path: "libs/libb.so.1",
            bytes: 3,
            sha256: "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3",
        },
    ];

    /// Copies the prepared wheel to where `pip download --dest` would put it.
    const DOWNLOADS: &str =
        r#"while [ "$1" != --dest ]; do shift; done; cp "$(dirname "$0")/a.whl" "$2/a.whl""#;

    impl Stage {
        fn new(script: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("a.whl");
            let mut zip = zip::ZipWriter::new(File::create(&file).unwrap());
            let options = zip::write::SimpleFileOptions::default();
            for (name, text) in [
                ("libs/liba.so.1", "library"),
                ("libs/libb.so.1", "two"),
                ("a.dist/LICENSE.txt", "sla"),
            ] {
                zip.start_file(name, options).unwrap();
                zip.write_all(text.as_bytes()).unwrap();
            }
            zip.finish().unwrap();
            let sha256 = sha256_of(&file).unwrap().leak();
            let wheel = Wheel {
                product: Product::TensorRt,
                package: "libs",
                licence: "it is NVIDIA's",
                licence_file: "LICENSE.txt",
                file: "a.whl",
                platform: "any",
                python: None,
                version: "1.0",
                sha256,
                bytes: 100,
                members: MEMBERS,
            };
            let python = folder.path().join("python");
            fs::write(
                &python,
                format!("#!/bin/sh\necho x >> \"$(dirname \"$0\")/calls\"\n{script}\n"),
            )
            .unwrap();
            fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
            let cache = Some(folder.path().join("cache"));
            let environment = Environment { python: Some(python), cache, ..Environment::default() };
            Self { folder, wheel, environment }
        }

        fn fetch(&self) -> (Result<Fetched, FetchError>, Vec<LocateEvent>) {
            let mut events = Vec::new();
            let result = fetch_wheel(&self.wheel, &self.environment, &mut |event| {
                events.push(event);
                ControlFlow::Continue(())
            });
            (result, events)
        }

        /// How often pip was run.
        fn calls(&self) -> usize {
            fs::read_to_string(self.folder.path().join("calls"))
                .map_or(0, |calls| calls.lines().count())
        }

        /// What lies on the shelf, but the lock.
        fn shelf(&self) -> Vec<String> {
            let shelf = self.folder.path().join("cache/tensorrt-rtx");
            let names = fs::read_dir(shelf)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().to_string_lossy().into());
            names.filter(|name: &String| name != ".lock").collect()
        }
    }

    #[test]
    fn libraries_and_licence_are_unpacked_once() {
        let stage = Stage::new(DOWNLOADS);
        let (result, events) = stage.fetch();
        let folder = result.unwrap().folder;
        assert_eq!(fs::read_to_string(folder.join("liba.so.1")).unwrap(), "library");
        assert_eq!(fs::read_to_string(folder.join("libb.so.1")).unwrap(), "two");
        assert_eq!(fs::read_to_string(folder.join("LICENSE.txt")).unwrap(), "sla");
        assert!(events[0].to_string().contains("NVIDIA"), "{}", events[0]);
        assert!(matches!(events.last(), Some(LocateEvent::Done { .. })));
        assert_eq!(stage.shelf().len(), 1, "{:?}", stage.shelf());

        let (again, events) = stage.fetch();
        assert_eq!((again.unwrap().folder, events.len(), stage.calls()), (folder, 0, 1));
    }

    #[test]
    fn what_is_incomplete_is_fetched_again() {
        let stage = Stage::new(DOWNLOADS);
        let folder = stage.fetch().0.unwrap().folder;
        fs::write(folder.join("liba.so.1"), "lib").unwrap();
        fs::create_dir(folder.parent().unwrap().join(".partial-killed")).unwrap();
        stage.fetch().0.unwrap();
        assert_eq!(fs::read_to_string(folder.join("liba.so.1")).unwrap(), "library");
        assert_eq!((stage.calls(), stage.shelf().len()), (2, 1));
    }

    #[test]
    fn a_library_of_other_content_and_the_same_size_is_fetched_again() {
        let stage = Stage::new(DOWNLOADS);
        let folder = stage.fetch().0.unwrap().folder;
        fs::write(folder.join("liba.so.1"), "Library").unwrap();
        stage.fetch().0.unwrap();
        assert_eq!(fs::read_to_string(folder.join("liba.so.1")).unwrap(), "library");
        assert_eq!(stage.calls(), 2);
    }

    #[test]
    fn pip_runs_isolated_and_in_a_folder_of_our_own() {
        let stage = Stage::new(&format!(
            "test \"$1\" = -I || exit 9\npwd > \"$(dirname \"$0\")/where\"\n{DOWNLOADS}"
        ));
        stage.fetch().0.unwrap();
        let place = fs::read_to_string(stage.folder.path().join("where")).unwrap();
        let shelf = stage.folder.path().join("cache/tensorrt-rtx").canonicalize();
        // The folder of the download is gone by now.
        assert!(!Path::new(place.trim_end()).exists(), "{place}");
        assert!(Path::new(&place).starts_with(shelf.unwrap()), "{place}");
    }

    #[test]
    fn a_wheel_with_another_hash_is_refused() {
        let mut stage = Stage::new(DOWNLOADS);
        stage.wheel.sha256 = "0000000000000000";
        let error = stage.fetch().0.unwrap_err();
        assert!(
            matches!(&error, FetchError::Hash { expected, .. } if expected == "0000000000000000"),
            "{error:?}"
        );
        assert_eq!(stage.shelf(), [""; 0]);
    }

    #[test]
    fn a_wheel_without_the_libraries_is_refused() {
        let mut stage = Stage::new(DOWNLOADS);
        stage.wheel.members = &[Member { path: "libs/libc.so.1", bytes: 1, sha256: "" }];
        let error = stage.fetch().0.unwrap_err();
        assert!(
            matches!(&error, FetchError::Unpack { member, .. } if member == "libs/libc.so.1"),
            "{error:?}"
        );
        assert_eq!(stage.shelf(), [""; 0]);
    }

    #[test]
    fn a_hiccup_is_tried_again_and_a_lasting_failure_told_verbatim() {
        let hiccup = format!(
            "test $(wc -l < \"$(dirname \"$0\")/calls\") = 2 || {{ echo broken pipe >&2; exit 1; }}\n{DOWNLOADS}"
        );
        let stage = Stage::new(&hiccup);
        let (result, events) = stage.fetch();
        result.unwrap();
        assert!(
            events.contains(&LocateEvent::Retry { attempt: 1, reason: "broken pipe".into() }),
            "{events:?}"
        );

        let stage = Stage::new("echo ERROR: no such host >&2; exit 1");
        let error = stage.fetch().0.unwrap_err();
        assert!(matches!(&error, FetchError::Pip { attempts: 3, .. }), "{error:?}");
        assert!(error.to_string().contains("ERROR: no such host"), "{error}");
        assert!(error.to_string().contains("name its folder"), "{error}");

        let stage = Stage::new("echo No module named pip >&2; exit 1");
        assert!(matches!(stage.fetch().0.unwrap_err(), FetchError::Pip { attempts: 1, .. }));
    }

    #[test]
    fn a_missing_interpreter_is_named() {
        let mut stage = Stage::new("");
        stage.environment.python = Some("/nonexistent/python3".into());
        let error = stage.fetch().0.unwrap_err();
        assert!(matches!(&error, FetchError::Python { .. }), "{error:?}");
        assert!(error.to_string().contains("/nonexistent/python3"), "{error}");
    }

    #[test]
    fn cancelling_ends_pip_and_leaves_nothing() {
        let stage = Stage::new("exec sleep 600");
        let mut said = 0;
        let result = fetch_wheel(&stage.wheel, &stage.environment, &mut |event| {
            said += 1;
            if matches!(event, LocateEvent::Progress { .. }) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        assert!(matches!(result, Err(FetchError::Cancelled)), "{result:?}");
        assert_eq!((said, stage.shelf().len()), (2, 0));
    }

    #[test]
    fn of_two_fetches_at_a_time_one_downloads() {
        let stage = Stage::new(&format!("sleep 0.3\n{DOWNLOADS}"));
        thread::scope(|scope| {
            let fetches = [(); 2].map(|()| scope.spawn(|| stage.fetch().0));
            for fetch in fetches {
                fetch.join().unwrap().unwrap();
            }
        });
        assert_eq!((stage.calls(), stage.shelf().len()), (1, 1));
    }
}
