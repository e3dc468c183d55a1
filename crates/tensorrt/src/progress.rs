//! Progress of a build.

use std::any::Any;
use std::ffi::c_char;
use std::fmt;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tensorrt_sys::classes::IProgressMonitor;
use tensorrt_sys::{Interface, This};

use crate::error::Error;
use crate::library::Library;
use crate::owned::string;

/// What a progress monitor hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// A phase begins.
    #[doc(alias = "phaseStart")]
    PhaseStart {
        /// Its name, of no other phase at the time.
        phase: String,
        /// The phase it lies in.
        parent: Option<String>,
        /// How many steps it will take.
        steps: i32,
    },
    /// A step of a phase is done.
    #[doc(alias = "stepComplete")]
    StepComplete {
        /// TensorRT's name of it.
        phase: String,
        /// Which step, from 0.
        step: i32,
    },
    /// A phase ends.
    #[doc(alias = "phaseFinish")]
    PhaseFinish {
        /// TensorRT's name of it.
        phase: String,
    },
}

type Hear = Box<dyn Fn(Progress) -> ControlFlow<()> + Send + Sync>;
type MonitorInterface = Interface<IProgressMonitor, Hears>;

struct Hears {
    hear: Hear,
    /// Stops the build at its next step, whatever `hear` says: set by a calibrator that failed.
    stop: Arc<AtomicBool>,
}

impl Hears {
    fn tell(&self, progress: Progress) -> ControlFlow<()> {
        if self.stop.load(Ordering::Acquire) {
            return ControlFlow::Break(());
        }
        (self.hear)(progress)
    }
}

/// Hears of a build's progress. TensorRT calls it from threads of its own, several at a time.
#[doc(alias = "IProgressMonitor")]
pub struct ProgressMonitor {
    interface: Pin<Box<MonitorInterface>>,
}

impl ProgressMonitor {
    /// A monitor that calls `hear`; its `Break` after a step stops the build.
    ///
    /// # Errors
    /// [`Error::MissingMethod`] before TensorRT 9.3.
    pub fn new(
        library: &Library,
        hear: impl Fn(Progress) -> ControlFlow<()> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        Self::stopped_by(library, Arc::default(), hear)
    }

    /// As [`new`](Self::new), and stops the build at its next step when `stop` is set.
    pub(crate) fn stopped_by(
        library: &Library,
        stop: Arc<AtomicBool>,
        hear: impl Fn(Progress) -> ControlFlow<()> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let interface = MonitorInterface::new(
            library.version(),
            library.raw().class_type_info(),
            &IProgressMonitor::IDENTITY,
            Hears { hear: Box::new(hear), stop },
            |table| {
                table.set(&IProgressMonitor::PHASE_START, phase_start)?;
                table.set(&IProgressMonitor::STEP_COMPLETE, step_complete)?;
                table.set(&IProgressMonitor::PHASE_FINISH, phase_finish)
            },
        )?;
        Ok(Self { interface })
    }

    pub(crate) fn as_object(&self) -> *mut IProgressMonitor {
        self.interface.as_ref().as_object()
    }

    /// What stops the build at its next step when it is set.
    pub(crate) fn stop(&self) -> &Arc<AtomicBool> {
        &self.interface.state().stop
    }

    pub(crate) fn take_panic(&self) -> Option<Box<dyn Any + Send>> {
        self.interface.take_panic()
    }
}

unsafe extern "C" fn phase_start(
    this: This,
    phase: *const c_char,
    parent: *const c_char,
    steps: i32,
) {
    // SAFETY: TensorRT passes a string that lives during the call.
    let phase = unsafe { string(phase) };
    // SAFETY: TensorRT passes a string that lives during the call, or null for a phase that lies in none.
    let parent = (!parent.is_null()).then(|| unsafe { string(parent) });
    let event = Progress::PhaseStart { phase, parent, steps };
    // The start and the end of a phase cannot stop the build; the next step will.
    // SAFETY: TensorRT calls this method of a monitor that its config keeps alive.
    let _: ControlFlow<()> = unsafe {
        MonitorInterface::enter(this, ControlFlow::Break(()), |monitor| monitor.tell(event))
    };
}

unsafe extern "C" fn step_complete(this: This, phase: *const c_char, step: i32) -> bool {
    // SAFETY: TensorRT passes a string that lives during the call.
    let event = Progress::StepComplete { phase: unsafe { string(phase) }, step };
    // SAFETY: TensorRT calls this method of a monitor that its config keeps alive.
    unsafe { MonitorInterface::enter(this, false, |monitor| monitor.tell(event).is_continue()) }
}

unsafe extern "C" fn phase_finish(this: This, phase: *const c_char) {
    // SAFETY: TensorRT passes a string that lives during the call.
    let event = Progress::PhaseFinish { phase: unsafe { string(phase) } };
    // SAFETY: TensorRT calls this method of a monitor that its config keeps alive.
    let _: ControlFlow<()> = unsafe {
        MonitorInterface::enter(this, ControlFlow::Break(()), |monitor| monitor.tell(event))
    };
}

impl fmt::Debug for ProgressMonitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProgressMonitor").finish_non_exhaustive()
    }
}
