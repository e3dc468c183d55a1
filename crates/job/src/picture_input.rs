//! How pictures lie in a model's input: what a preprocessing makes is channels by height by width of floats, and an input
//! may take height by width by channels, bytes, or no batch.

use std::convert::Infallible;
use std::sync::Arc;

use calibrant_preprocess::{Preprocess, PreprocessError, Scratch};
use calibrant_tensor::{ElementType, Layout, Tensor, TensorData};

/// An input of a model that pictures go into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureInput {
    /// Its name.
    pub name: Arc<str>,
    /// The type of its values.
    pub values: PictureValues,
    /// Where the channels are.
    pub layout: Layout,
    /// Whether an axis that counts pictures stands before those of a picture.
    pub batch: BatchAxis,
    /// Channels, height and width.
    pub chw: [usize; 3],
}

/// What the values of a picture are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureValues {
    /// 32-bit floats, as the preprocessing makes them.
    Floats,
    /// Bytes: the preprocessing has to make whole numbers of 0 to 255.
    Bytes,
}

/// Whether an input has an axis for the pictures of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchAxis {
    /// The first.
    First,
    /// None: it takes one picture at a time.
    None,
}

/// A value of a preprocessing that is no byte.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error(
    "the preprocessing makes {value} in channel {channel}, and the input takes bytes: whole numbers of 0 to 255"
)]
pub struct NotAByte {
    /// The first such value.
    pub value: f32,
    /// The channel of the tensor, from 0.
    pub channel: usize,
}

/// Memory of one picture's values, as the input takes them.
pub(crate) enum Room<'a> {
    Floats(&'a mut [f32]),
    Bytes(&'a mut [u8]),
}

/// Memory for what a preprocessing makes, where the input takes something else.
#[derive(Debug, Default)]
pub(crate) struct PictureScratch {
    preprocess: Scratch,
    chw: Vec<f32>,
}

impl PictureInput {
    /// Floats of this shape, channels first, in batches.
    #[must_use]
    pub fn nchw(name: Arc<str>, chw: [usize; 3]) -> Self {
        let (values, layout, batch) =
            (PictureValues::Floats, Layout::ChannelsFirst, BatchAxis::First);
        Self { name, values, layout, batch, chw }
    }

    /// The type of the input's values.
    #[must_use]
    pub fn element(&self) -> ElementType {
        match self.values {
            PictureValues::Floats => ElementType::F32,
            PictureValues::Bytes => ElementType::U8,
        }
    }

    /// The axes of a picture, without one for the batch.
    #[must_use]
    pub fn picture_shape(&self) -> [usize; 3] {
        laid_out(self.chw, self.layout)
    }

    /// Whether it takes what a preprocessing makes as it is.
    pub(crate) fn is_plain(&self) -> bool {
        self.values == PictureValues::Floats && self.layout == Layout::ChannelsFirst
    }

    /// What the manifest says of the tensors: the preprocessing, and what was done to its layout.
    pub(crate) fn describe(&self, preprocess: &dyn Preprocess) -> String {
        let described = preprocess.describe();
        match self.layout {
            Layout::ChannelsFirst => described,
            // A comment, so that it still is what the preprocessing is read from.
            Layout::ChannelsLast => {
                format!("{}\n# laid out as height, width, channels\n", described.trim_end())
            }
        }
    }

    /// A tensor that a picture is written into.
    pub(crate) fn blank(&self) -> Tensor {
        let mut shape = self.picture_shape().to_vec();
        if self.batch == BatchAxis::First {
            shape.insert(0, 1);
        }
        let len = shape.iter().product();
        let data = match self.values {
            PictureValues::Floats => TensorData::F32(vec![0.0; len]),
            PictureValues::Bytes => TensorData::U8(vec![0; len]),
        };
        Tensor { shape, data }
    }

    /// Makes the tensor of an encoded picture in `room`, and returns it as the preprocessing makes it.
    ///
    /// # Errors
    ///
    /// When the preprocessing does not take the picture, or makes what the input does not take.
    pub(crate) fn fill<'a>(
        &self,
        preprocess: &dyn Preprocess,
        encoded: &[u8],
        room: Room<'a>,
        scratch: &'a mut PictureScratch,
    ) -> Result<&'a [f32], PreprocessError> {
        let PictureScratch { preprocess: buffers, chw } = scratch;
        match room {
            Room::Floats(floats) if self.is_plain() => {
                preprocess.preprocess(encoded, buffers, floats)?;
                Ok(floats)
            }
            room => {
                chw.resize(self.chw.iter().product(), 0.0);
                preprocess.preprocess(encoded, buffers, chw)?;
                match room {
                    Room::Floats(floats) => self.lay_floats(chw, floats),
                    Room::Bytes(bytes) => self
                        .lay(chw, bytes, byte)
                        .map_err(|error| PreprocessError::Custom(Box::new(error)))?,
                }
                Ok(chw)
            }
        }
    }

    /// Lays floats of channels by height by width out as the input takes them.
    ///
    /// # Panics
    ///
    /// When `room` has not as many values as `chw`, or either other than the input.
    pub fn lay_floats(&self, chw: &[f32], room: &mut [f32]) {
        // Floats are taken as they are.
        let _: Result<(), Infallible> = self.lay(chw, room, |value, _| Ok(value));
    }

    /// Lays values of channels by height by width out as the input takes them.
    fn lay<V, E>(
        &self,
        chw: &[f32],
        room: &mut [V],
        convert: impl Fn(f32, usize) -> Result<V, E>,
    ) -> Result<(), E> {
        let [channels, height, width] = self.chw;
        let plane = height * width;
        for (channel, values) in chw.chunks_exact(plane).enumerate() {
            match self.layout {
                Layout::ChannelsFirst => {
                    let places = room[channel * plane..][..plane].iter_mut();
                    for (place, &value) in places.zip(values) {
                        *place = convert(value, channel)?;
                    }
                }
                Layout::ChannelsLast => {
                    let places = room[channel..].iter_mut().step_by(channels);
                    for (place, &value) in places.zip(values) {
                        *place = convert(value, channel)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Makes sure that every value of a preprocessing is a byte, where it can say all that there are; else each is looked at
/// when it is made.
///
/// # Errors
///
/// With the first that is none.
pub(crate) fn check_bytes(preprocess: &dyn Preprocess) -> Result<(), NotAByte> {
    let Some(pipeline) = preprocess.pipeline() else { return Ok(()) };
    for (channel, table) in pipeline.channels().enumerate() {
        table.values.iter().try_for_each(|&value| byte(value, channel).map(drop))?;
    }
    Ok(())
}

/// The byte that is this value.
fn byte(value: f32, channel: usize) -> Result<u8, NotAByte> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast saturates, and what comes back other than it was is refused"
    )]
    let whole = value as u8;
    if f32::from(whole) == value { Ok(whole) } else { Err(NotAByte { value, channel }) }
}

/// The axes of a picture in an input of this layout, given channels, height and width.
pub(crate) fn laid_out([channels, height, width]: [usize; 3], layout: Layout) -> [usize; 3] {
    match layout {
        Layout::ChannelsFirst => [channels, height, width],
        Layout::ChannelsLast => [height, width, channels],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pictures_are_laid_out_as_naively(
            (channels, height, width) in (1..5_usize, 1..6_usize, 1..6_usize),
            seed: u8,
        ) {
            let chw = [channels, height, width];
            let len = channels * height * width;
            let steps = (0..=u8::MAX).map(|at| f32::from(at.wrapping_mul(seed)));
            let values: Vec<f32> = steps.take(len).collect();
            for layout in [Layout::ChannelsFirst, Layout::ChannelsLast] {
                let input = PictureInput { layout, ..PictureInput::nchw("x".into(), chw) };
                let (mut floats, mut bytes) = (vec![f32::NAN; len], vec![0; len]);
                input.lay_floats(&values, &mut floats);
                prop_assert_eq!(input.lay(&values, &mut bytes, byte), Ok(()));
                for (at, value) in values.iter().enumerate() {
                    let (channel, y, x) = (at / (height * width), at / width % height, at % width);
                    let place = match layout {
                        Layout::ChannelsFirst => at,
                        Layout::ChannelsLast => (y * width + x) * channels + channel,
                    };
                    prop_assert_eq!((floats[place], f32::from(bytes[place])), (*value, *value));
                }
            }
        }
    }

    #[test]
    fn only_whole_numbers_of_0_to_255_are_bytes() {
        for value in [0.0, -0.0, 1.0, 255.0] {
            assert!(byte(value, 0).is_ok(), "{value}");
        }
        for value in [0.5, -1.0, 256.0, f32::NAN, f32::INFINITY] {
            assert!(byte(value, 0).is_err(), "{value}");
        }
    }
}
