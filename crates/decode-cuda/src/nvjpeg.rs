//! nvJPEG, opened at run time. Its types are declared here after `nvjpeg.h` of CUDA 13, whose layouts
//! are those of CUDA 12: cudarc has none of them.

use std::ffi::{c_int, c_uint, c_void};
use std::fmt;
use std::path::PathBuf;
use std::ptr;
use std::sync::Arc;

use calibrant_cuda::{
    Device, DeviceSpan, Error, OpenedLibrary, PinnedBytes, RawStream, Stream, ToolkitLibrary,
};
use calibrant_search::GoOn;

/// nvJPEG, as it is looked for.
const NVJPEG: ToolkitLibrary = ToolkitLibrary {
    name: "nvJPEG",
    files: &["libnvjpeg.so.13", "libnvjpeg.so.12", "libnvjpeg.so"],
    package: "nvidia-nvjpeg",
    python: &["cu13/lib", "nvjpeg/lib"],
};

/// What nvJPEG's functions return.
type Status = u32;
const SUCCESS: Status = 0;
const BAD_JPEG: Status = 3;
const NOT_SUPPORTED: Status = 4;
const INCOMPLETE: Status = 10;

/// `NVJPEG_OUTPUT_RGBI`.
const INTERLEAVED_RGB: c_int = 5;

/// `nvjpegImage_t`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Image {
    channel: [u64; 4],
    pitch: [usize; 4],
}

const _: () = assert!(size_of::<Image>() == 64);

/// Handles, each an own type of nvJPEG's.
type Handle = *mut c_void;

/// Declares the table of functions and looks each up by its symbol.
macro_rules! functions {
    ($($field:ident: $symbol:ident($($argument:ty),*);)*) => {
        struct Functions {
            $($field: unsafe extern "C" fn($($argument),*) -> Status,)*
        }

        impl Functions {
            fn look_up(opened: &OpenedLibrary) -> Result<Self, Error> {
                Ok(Self {
                    // SAFETY: nvjpeg.h declares it so; enums are integers of 32 bits there.
                    $($field: unsafe { opened.symbol(stringify!($symbol)) }?,)*
                })
            }
        }
    };
}

functions! {
    property: nvjpegGetProperty(c_int, *mut c_int);
    create: nvjpegCreateEx(c_int, *mut c_void, *mut c_void, c_uint, *mut Handle);
    destroy: nvjpegDestroy(Handle);
    create_state: nvjpegJpegStateCreate(Handle, *mut Handle);
    destroy_state: nvjpegJpegStateDestroy(Handle);
    create_stream: nvjpegJpegStreamCreate(Handle, *mut Handle);
    destroy_stream: nvjpegJpegStreamDestroy(Handle);
    parse_header: nvjpegJpegStreamParseHeader(Handle, *const u8, usize, Handle);
    dimensions: nvjpegJpegStreamGetFrameDimensions(Handle, *mut c_uint, *mut c_uint);
    supported: nvjpegDecodeBatchedSupported(Handle, Handle, *mut c_int);
    begin_batch: nvjpegDecodeBatchedInitialize(Handle, Handle, c_int, c_int, c_int);
    decode_batch: nvjpegDecodeBatched(Handle, Handle, *const *const u8, *const usize, *mut Image, RawStream);
}

/// Which part of the GPU decodes; what `nvjpegBackend_t` calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JpegEngine {
    /// The chip's own decoders.
    Hardware,
    /// Its processors.
    Gpu,
}

/// nvJPEG on a device; cheap to clone.
#[derive(Clone)]
pub(crate) struct NvjpegLibrary(Arc<Inner>);

struct Inner {
    functions: Functions,
    device: Device,
    handle: Handle,
    engine: JpegEngine,
    version: String,
    path: PathBuf,
}

// SAFETY: the handle is none of what is tied to a thread: "When using decoder APIs across multiple threads, the following
// decoder types should be instantiated separately for each thread: nvjpegJpegStream_t, nvjpegJpegState_t,
// nvjpegBufferDevice_t, nvjpegBufferPinned_t" (nvJPEG's documentation, 1.3, Thread Safety). States and streams are owned by
// those who use them, and no allocators are given.
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

/// Decodes batches in one stream.
pub(crate) struct Nvjpeg {
    library: NvjpegLibrary,
    state: Handle,
    /// The stream that it is used in, once it is.
    stream: Option<Stream>,
    /// How many pictures the state is ready for.
    ready_for: usize,
}

// SAFETY: a state is one thread's at a time, as the rule above asks, because `decode` borrows it to be written.
unsafe impl Send for Nvjpeg {}

/// Reads headers with nvJPEG's eyes; one for each thread.
pub(crate) struct NvjpegHeader {
    library: NvjpegLibrary,
    stream: Handle,
}

// SAFETY: a parsed stream is one thread's at a time, as the rule above asks, because `read` borrows it to be written.
unsafe impl Send for NvjpegHeader {}

/// Width and height of a JPEG, as nvJPEG's own parser told them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JpegSize {
    width: usize,
    height: usize,
}

impl JpegSize {
    /// Columns of pixels.
    pub(crate) fn width(self) -> usize {
        self.width
    }

    /// Rows of pixels.
    pub(crate) fn height(self) -> usize {
        self.height
    }

    /// Bytes of its interleaved pixels.
    pub(crate) fn len_bytes(self) -> usize {
        self.width.saturating_mul(self.height).saturating_mul(3)
    }
}

/// A JPEG in pinned memory, and what its size is said to be.
pub(crate) struct Encoded {
    pub(crate) bytes: PinnedBytes,
    pub(crate) size: JpegSize,
}

impl NvjpegLibrary {
    /// Opens nvJPEG for a device: with the chip's own decoders where it has them; unless `go_on` says
    /// `Break` while it is looked for.
    ///
    /// # Errors
    ///
    /// [`Error::NoToolkit`], [`Error::MissingSymbol`], [`Error::Cancelled`], or what keeps it from starting.
    pub(crate) fn open(device: &Device, go_on: &mut GoOn<'_>) -> Result<Self, Error> {
        // SAFETY: it is NVIDIA's nvJPEG by its name, in a place where NVIDIA's packages or the system's administrator put
        // it, and its initialisers do no more than to prepare it.
        let opened = unsafe { NVJPEG.open(go_on) }?;
        let functions = Functions::look_up(&opened)?;
        let version = version(&functions)?;
        let mut handle = ptr::null_mut();
        let mut create = |backend: c_int| {
            device.while_current(|| {
                let none = ptr::null_mut();
                // SAFETY: the device's context is current; no allocators and no flags are given; nvJPEG
                // writes one handle.
                unsafe { (functions.create)(backend, none, none, 0, &raw mut handle) }
            })
        };
        // `NVJPEG_BACKEND_HARDWARE` and `NVJPEG_BACKEND_GPU_HYBRID`.
        let engine = if create(3)? == SUCCESS {
            JpegEngine::Hardware
        } else {
            check("nvjpegCreateEx", create(2)?)?;
            JpegEngine::Gpu
        };
        let (device, path) = (device.clone(), opened.path().to_owned());
        Ok(Self(Arc::new(Inner { functions, device, handle, engine, version, path })))
    }

    /// Its version, for example `13.0.1`.
    pub(crate) fn version(&self) -> &str {
        &self.0.version
    }

    /// What decodes.
    pub(crate) fn engine(&self) -> JpegEngine {
        self.0.engine
    }

    /// A reader of headers.
    ///
    /// # Errors
    ///
    /// When nvJPEG makes none.
    pub(crate) fn header(&self) -> Result<NvjpegHeader, Error> {
        let mut stream = ptr::null_mut();
        let Inner { functions, handle, device, .. } = &*self.0;
        let status = device.while_current(|| {
            // SAFETY: the handle is alive; nvJPEG writes one handle.
            unsafe { (functions.create_stream)(*handle, &raw mut stream) }
        })?;
        check("nvjpegJpegStreamCreate", status)?;
        Ok(NvjpegHeader { library: self.clone(), stream })
    }

    /// A decoder for a stream of its own.
    ///
    /// # Errors
    ///
    /// When nvJPEG makes none.
    pub(crate) fn decoder(&self) -> Result<Nvjpeg, Error> {
        let mut state = ptr::null_mut();
        let Inner { functions, handle, device, .. } = &*self.0;
        let status = device.while_current(|| {
            // SAFETY: the handle is alive; nvJPEG writes one handle.
            unsafe { (functions.create_state)(*handle, &raw mut state) }
        })?;
        check("nvjpegJpegStateCreate", status)?;
        Ok(Nvjpeg { library: self.clone(), state, stream: None, ready_for: 0 })
    }
}

impl NvjpegHeader {
    /// Returns the size of a JPEG that is decoded in batches here; `None` for one that is not.
    ///
    /// # Errors
    ///
    /// What nvJPEG reports, other than that it does not take the picture.
    pub(crate) fn read(&mut self, jpeg: &[u8]) -> Result<Option<JpegSize>, Error> {
        let device = self.library.0.device.clone();
        device.while_current(|| self.read_here(jpeg))?
    }

    /// As [`read`](Self::read), with the device's context current.
    fn read_here(&mut self, jpeg: &[u8]) -> Result<Option<JpegSize>, Error> {
        let Inner { functions, handle, .. } = &*self.library.0;
        // SAFETY: handle and stream are alive and the stream is this thread's; the bytes are read
        // during the call and, of a header alone, not behind it.
        let status =
            unsafe { (functions.parse_header)(*handle, jpeg.as_ptr(), jpeg.len(), self.stream) };
        match status {
            BAD_JPEG | NOT_SUPPORTED | INCOMPLETE => return Ok(None),
            status => check("nvjpegJpegStreamParseHeader", status)?,
        }
        // It says 0 for a picture that it decodes.
        let mut unsupported = 1;
        // SAFETY: as above; nvJPEG writes one integer.
        let status = unsafe { (functions.supported)(*handle, self.stream, &raw mut unsupported) };
        check("nvjpegDecodeBatchedSupported", status)?;
        let (mut width, mut height) = (0, 0);
        // SAFETY: the stream holds a header; nvJPEG writes two integers.
        let status =
            unsafe { (functions.dimensions)(self.stream, &raw mut width, &raw mut height) };
        check("nvjpegJpegStreamGetFrameDimensions", status)?;
        let (width, height) = (width as usize, height as usize);
        Ok((unsupported == 0).then_some(JpegSize { width, height }))
    }
}

impl Nvjpeg {
    /// Puts the decoding of pictures into a stream: each to its place in the span, as interleaved
    /// rows without gaps.
    ///
    /// # Safety
    ///
    /// The bytes of each picture, and the span, stay until the stream is through, and nothing else touches them meanwhile.
    /// Each size is what [`NvjpegHeader::read`] told of these very bytes.
    pub(crate) unsafe fn decode(
        &mut self,
        pictures: &[(Encoded, usize)],
        pixels: DeviceSpan,
        stream: &Stream,
    ) -> Result<(), Error> {
        if pictures.is_empty() {
            return Ok(());
        }
        // The state's memory serves one stream at a time.
        if let Some(other) = self.stream.replace(stream.clone())
            && other.raw() != stream.raw()
        {
            other.synchronize()?;
        }
        let Inner { functions, handle, device, .. } = &*self.library.0;
        let failed = |status: Status| Error::Batch {
            library: NVJPEG.name,
            count: pictures.len(),
            items: "pictures",
            way_out: "decoding exactly, or on the processor, does without it",
            status,
            meaning: meaning(status),
        };
        let data: Vec<*const u8> = pictures.iter().map(|(it, _)| it.bytes.address()).collect();
        let lengths: Vec<usize> = pictures.iter().map(|(it, _)| it.bytes.len_bytes()).collect();
        let mut images: Vec<Image> = Vec::with_capacity(pictures.len());
        for (Encoded { size, .. }, at) in pictures {
            let end = at.saturating_add(size.len_bytes());
            if end > pixels.len_bytes {
                let buffer_bytes = pixels.len_bytes;
                return Err(Error::TooLong { buffer: 2, asked_bytes: end, buffer_bytes });
            }
            let channel = [pixels.address + *at as u64, 0, 0, 0];
            images.push(Image { channel, pitch: [3 * size.width, 0, 0, 0] });
        }
        if self.ready_for != pictures.len() {
            let count = c_int::try_from(pictures.len()).unwrap_or(c_int::MAX);
            let status = device.while_current(|| {
                // SAFETY: handle and state are alive, and the state is this thread's; one thread of the
                // host's is enough where the chip decodes.
                unsafe { (functions.begin_batch)(*handle, self.state, count, 1, INTERLEAVED_RGB) }
            })?;
            if status != SUCCESS {
                return Err(failed(status));
            }
            self.ready_for = pictures.len();
        }
        let status = device.while_current(|| {
            // SAFETY: as above; there are as many pointers, lengths and images as the state was made ready for, and each
            // image has room for its size, which is what nvJPEG's own parser told, by the caller's promise; that of the
            // bytes and the span keeps them until the stream is through.
            unsafe {
                (functions.decode_batch)(
                    *handle,
                    self.state,
                    data.as_ptr(),
                    lengths.as_ptr(),
                    images.as_mut_ptr(),
                    stream.raw(),
                )
            }
        })?;
        if status == SUCCESS { Ok(()) } else { Err(failed(status)) }
    }
}

impl Drop for Nvjpeg {
    fn drop(&mut self) {
        // The state's own memory is in use as long as its stream is not through.
        if let Some(stream) = &self.stream
            && stream.synchronize().is_err()
        {
            return;
        }
        // Where the context cannot be made current it is gone, and what was made in it too.
        let _ = self.library.0.device.while_current(|| {
            // SAFETY: the state is ours and not used again.
            unsafe { (self.library.0.functions.destroy_state)(self.state) }
        });
    }
}

impl Drop for NvjpegHeader {
    fn drop(&mut self) {
        // Where the context cannot be made current it is gone, and what was made in it too.
        let _ = self.library.0.device.while_current(|| {
            // SAFETY: the stream is ours and not used again.
            unsafe { (self.library.0.functions.destroy_stream)(self.stream) }
        });
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Where the context cannot be made current it is gone, and what was made in it too.
        let _ = self.device.while_current(|| {
            // SAFETY: the handle is ours; states and streams, which hold this, are gone.
            unsafe { (self.functions.destroy)(self.handle) }
        });
    }
}

/// The three parts of the version that the library tells.
fn version(functions: &Functions) -> Result<String, Error> {
    let part = |kind: c_int| {
        let mut value = 0;
        // SAFETY: nvJPEG writes one integer; it may be asked before anything else.
        let status = unsafe { (functions.property)(kind, &raw mut value) };
        check("nvjpegGetProperty", status).map(|()| value)
    };
    // `MAJOR_VERSION`, `MINOR_VERSION` and `PATCH_LEVEL` of `library_types.h`.
    Ok(format!("{}.{}.{}", part(0)?, part(1)?, part(2)?))
}

fn check(call: &'static str, status: Status) -> Result<(), Error> {
    if status == SUCCESS {
        return Ok(());
    }
    Err(Error::Toolkit { call, status, meaning: meaning(status) })
}

/// The names of `nvjpegStatus_t`.
fn meaning(status: Status) -> &'static str {
    match status {
        1 => "not initialized",
        2 => "invalid parameter",
        BAD_JPEG => "bad JPEG",
        NOT_SUPPORTED => "JPEG not supported",
        5 => "out of memory",
        6 => "execution failed",
        7 => "architecture mismatch",
        8 => "internal error",
        9 => "implementation not supported",
        INCOMPLETE => "incomplete bitstream",
        _ => "unknown status",
    }
}

impl fmt::Debug for NvjpegLibrary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nvJPEG {} ({:?}) of {}", self.version(), self.engine(), self.0.path.display())
    }
}

impl fmt::Debug for Nvjpeg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a decoder of {:?}", self.library)
    }
}

impl fmt::Debug for NvjpegHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a parser of {:?}", self.library)
    }
}
