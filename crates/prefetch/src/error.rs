//! How one sample can fail, and how a pipeline can.

use std::any::Any;
use std::io;

/// The system starts no more threads; those that had been started have ended again.
#[derive(Debug, thiserror::Error)]
#[error(
    "{started} of {wanted} threads could be started; use fewer workers, or raise the limits on processes and memory"
)]
pub struct StartError {
    /// Threads that were started.
    pub started: usize,
    /// Threads that were to be.
    pub wanted: usize,
    /// What the system said.
    pub source: io::Error,
}

/// Why a sample is missing from its batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorkError<E> {
    /// The caller's work said so.
    #[error(transparent)]
    Failed(E),
    /// The caller's work panicked; the worker went on with fresh scratch.
    #[error("the work on this sample panicked: {message}")]
    Panicked {
        /// What the panic said, if it said it in text.
        message: String,
    },
}

impl<E> WorkError<E> {
    pub(crate) fn panicked(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Self::Panicked { message: text.unwrap_or("no message").to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_keeps_its_words() {
        let cases: [(Box<dyn Any + Send>, &str); 3] = [
            (Box::new("static"), "static"),
            (Box::new(String::from("made up")), "made up"),
            (Box::new(7_u8), "no message"),
        ];
        for (payload, message) in cases {
            let expected = WorkError::<()>::Panicked { message: message.to_owned() };
            assert_eq!(WorkError::panicked(payload.as_ref()), expected);
        }
    }
}
