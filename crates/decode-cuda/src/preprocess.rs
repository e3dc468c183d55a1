//! One picture at a time, behind the interface of all preprocessing.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use calibrant_cuda::{DeviceBuffer, Error, Stream, Upload};
use calibrant_preprocess::{Preprocess, PreprocessError, Scratch};

use crate::decoder::{PictureDecoder, Worker};
use crate::pictures::{TENSORS, TensorMaker};
use crate::pinned::PinnedPicture;

/// Makes tensors on the device and brings them back, for consumers on the processor.
///
/// Every thread that uses it at once gets a stream of its own.
pub struct DevicePreprocess {
    decoder: PictureDecoder,
    sessions: Mutex<Vec<Session>>,
}

/// What one picture needs.
struct Session {
    worker: Worker,
    picture: PinnedPicture,
    stream: Stream,
    maker: TensorMaker,
    buffers: Vec<DeviceBuffer>,
}

impl DevicePreprocess {
    /// Tensors as the decoder makes them.
    pub fn new(decoder: PictureDecoder) -> Self {
        Self { decoder, sessions: Mutex::default() }
    }

    /// What makes the tensors.
    pub fn decoder(&self) -> &PictureDecoder {
        &self.decoder
    }

    fn session(&self) -> Result<Session, Error> {
        let free = self.sessions.lock().unwrap_or_else(PoisonError::into_inner).pop();
        free.map_or_else(|| Session::new(&self.decoder), Ok)
    }
}

impl Session {
    fn new(decoder: &PictureDecoder) -> Result<Self, Error> {
        Ok(Self {
            worker: decoder.worker()?,
            picture: PinnedPicture::new(decoder.device(), decoder.tensor_bytes())?,
            stream: Stream::new(decoder.device())?,
            maker: decoder.maker()?,
            buffers: decoder.buffers(1)?,
        })
    }

    /// Makes the picture's tensor; of a session that failed nothing is kept.
    fn run(self, out: &mut [f32]) -> Result<Self, Error> {
        let Self { worker, picture, stream, mut maker, buffers } = self;
        let mut upload = Upload::begin(&stream, buffers);
        let (held, _) = PictureDecoder::append(&mut upload, &mut maker, [picture], as_slice, 0)?;
        let buffers = upload.finish()?.wait()?;
        let ([picture], _) = held.wait()?;
        buffers[TENSORS].read_values(0, out)?;
        Ok(Self { worker, picture, stream, maker, buffers })
    }
}

fn as_slice(pictures: &[PinnedPicture; 1]) -> &[PinnedPicture] {
    pictures
}

impl Preprocess for DevicePreprocess {
    fn shape(&self) -> [usize; 3] {
        self.decoder.shape()
    }

    fn describe(&self) -> String {
        self.decoder.describe()
    }

    fn preprocess(
        &self,
        encoded: &[u8],
        _: &mut Scratch,
        out: &mut [f32],
    ) -> Result<(), PreprocessError> {
        let expected = self.shape().iter().product();
        if out.len() != expected {
            return Err(PreprocessError::WrongLength { expected, found: out.len() });
        }
        let failed = |error: Error| PreprocessError::Custom(Box::new(error));
        let mut session = self.session().map_err(failed)?;
        let outcome = self.decoder.prepare(&mut session.worker, encoded, &mut session.picture);
        let session = match (outcome, session.picture.tensor()) {
            (Ok(()), Some(tensor)) => {
                out.copy_from_slice(&tensor[..expected]);
                session
            }
            (Ok(()), None) => session.run(out).map_err(failed)?,
            (Err(error), _) => {
                self.sessions.lock().unwrap_or_else(PoisonError::into_inner).push(session);
                return Err(error);
            }
        };
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        Ok(())
    }
}

impl fmt::Debug for DevicePreprocess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} for one picture at a time", self.decoder)
    }
}
