//! NVIDIA's run-time compiler.

use std::ffi::{CString, c_char, c_int};
use std::ptr;

use calibrant_search::GoOn;
use cudarc::nvrtc::sys;

use crate::error::Error;
use crate::toolkit::{NVRTC, OpenedLibrary};

/// NVRTC, opened.
pub(crate) struct Nvrtc {
    version: String,
    functions: Functions,
}

/// What NVRTC's functions return: 0 for success.
type Code = u32;

/// Declares the table of functions, looks each up by its symbol, and has the compiler compare its
/// arguments with the generated binding of that name.
macro_rules! functions {
    ($($field:ident: $symbol:ident($($argument:ty),*);)*) => {
        struct Functions {
            $($field: unsafe extern "C" fn($($argument),*) -> Code,)*
        }

        impl Functions {
            fn look_up(opened: &OpenedLibrary) -> Result<Self, Error> {
                Ok(Self {
                    // SAFETY: the symbol's type is the generated binding's, as the compiler checks
                    // below, but for the code, which is an integer of the same size.
                    $($field: unsafe { opened.symbol(stringify!($symbol)) }?,)*
                })
            }
        }

        $(const _: unsafe fn($($argument),*) -> sys::nvrtcResult = sys::$symbol;)*
    };
}

functions! {
    version: nvrtcVersion(*mut c_int, *mut c_int);
    create: nvrtcCreateProgram(
        *mut sys::nvrtcProgram,
        *const c_char,
        *const c_char,
        c_int,
        *const *const c_char,
        *const *const c_char
    );
    destroy: nvrtcDestroyProgram(*mut sys::nvrtcProgram);
    compile: nvrtcCompileProgram(sys::nvrtcProgram, c_int, *const *const c_char);
    log_size: nvrtcGetProgramLogSize(sys::nvrtcProgram, *mut usize);
    log: nvrtcGetProgramLog(sys::nvrtcProgram, *mut c_char);
    code_size: nvrtcGetCUBINSize(sys::nvrtcProgram, *mut usize);
    code: nvrtcGetCUBIN(sys::nvrtcProgram, *mut c_char);
}

/// A program that is being compiled.
struct Program<'a> {
    functions: &'a Functions,
    program: sys::nvrtcProgram,
}

impl Nvrtc {
    /// Opens the compiler, unless `go_on` says `Break` while it is looked for.
    ///
    /// # Errors
    ///
    /// [`Error::NoToolkit`], [`Error::MissingSymbol`], [`Error::Cancelled`].
    pub(crate) fn load(go_on: &mut GoOn<'_>) -> Result<Self, Error> {
        // SAFETY: it is NVIDIA's compiler by its name, in a place where NVIDIA's packages or the system's administrator
        // put it, and its initialisers do no more than to prepare it.
        let opened = unsafe { NVRTC.open(go_on) }?;
        let functions = Functions::look_up(&opened)?;
        let (mut major, mut minor) = (0, 0);
        // SAFETY: the compiler writes two integers.
        let code = unsafe { (functions.version)(&raw mut major, &raw mut minor) };
        check("nvrtcVersion", code)?;
        Ok(Self { version: format!("{major}.{minor}"), functions })
    }

    /// Compiles a source to machine code of an architecture, for example `sm_90`, without fusing
    /// any product with a sum.
    ///
    /// # Errors
    ///
    /// [`Error::Compile`] with what the compiler says.
    pub(crate) fn compile(&self, source: &str, architecture: &str) -> Result<Vec<u8>, Error> {
        let refused = |log: String| Error::Compile {
            version: self.version.clone(),
            architecture: architecture.to_owned(),
            log,
        };
        let text = |text: &str| CString::new(text).map_err(|error| refused(error.to_string()));
        let source = text(source)?;
        let options = [
            text(&format!("--gpu-architecture={architecture}"))?,
            text("--fmad=false")?,
            text("--std=c++17")?,
        ];
        let options = options.each_ref().map(|option| option.as_ptr());
        let functions = &self.functions;
        let mut program = ptr::null_mut();
        // SAFETY: the source ends in a zero; it has no name and no headers; the compiler writes one
        // handle.
        let code = unsafe {
            let (name, none) = (ptr::null(), ptr::null());
            (functions.create)(&raw mut program, source.as_ptr(), name, 0, none, none)
        };
        check("nvrtcCreateProgram", code)?;
        let program = Program { functions, program };
        // SAFETY: the program is alive, and the options are three strings that end in zeros.
        match unsafe { (functions.compile)(program.program, 3, options.as_ptr()) } {
            0 => program.bytes("nvrtcGetCUBIN", functions.code_size, functions.code),
            _ => {
                let log = program.bytes("nvrtcGetProgramLog", functions.log_size, functions.log)?;
                let log = String::from_utf8_lossy(&log);
                Err(refused(log.trim_end_matches(['\0', '\n']).to_owned()))
            }
        }
    }
}

impl Program<'_> {
    /// What the compiler made, by the two functions that tell its size and give it.
    fn bytes(
        &self,
        call: &'static str,
        size: unsafe extern "C" fn(sys::nvrtcProgram, *mut usize) -> Code,
        content: unsafe extern "C" fn(sys::nvrtcProgram, *mut c_char) -> Code,
    ) -> Result<Vec<u8>, Error> {
        let mut len = 0;
        // SAFETY: the program is alive; the compiler writes one integer.
        check(call, unsafe { size(self.program, &raw mut len) })?;
        let mut bytes = vec![0_u8; len];
        // SAFETY: the program is alive; the compiler writes as many bytes as it has just said.
        check(call, unsafe { content(self.program, bytes.as_mut_ptr().cast()) })?;
        Ok(bytes)
    }
}

impl Drop for Program<'_> {
    fn drop(&mut self) {
        // SAFETY: the program is alive and not used again.
        let _: Code = unsafe { (self.functions.destroy)(&raw mut self.program) };
    }
}

fn check(call: &'static str, status: Code) -> Result<(), Error> {
    let meaning = match status {
        0 => return Ok(()),
        1 => "out of memory",
        3 => "invalid input",
        5 => "invalid option",
        7 => "a part of the compiler is missing",
        _ => "an error inside the compiler",
    };
    Err(Error::Toolkit { call, status, meaning })
}
