//! How arrays are divided among samples.

use std::error::Error;
use std::sync::Arc;

use calibrant_tensor::Input;

/// What of an array each sample has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Division {
    /// One index of this axis, which stays with a length of 1.
    Along(usize),
    /// One index of the first axis, which does not stay.
    Stacked,
    /// All of it.
    Whole,
    /// All of it, with an axis of length 1 put in at this place.
    Added(usize),
}

/// An array, for one input of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its place among the arrays.
    pub array: usize,
    /// What it is called in samples.
    pub input: Arc<str>,
    /// What of it each sample has.
    pub division: Division,
}

/// Says what arrays are for: those of one file or folder, in the order of their names, each of a fixed shape.
pub trait Divide {
    /// The arrays that samples are made of.
    ///
    /// # Errors
    ///
    /// When they are not what samples can be made of.
    fn divide(&self, arrays: &[Input]) -> Result<Vec<Part>, Box<dyn Error + Send + Sync>>;

    /// Whether a file of one array is named after an input, and its folder holds one for each of them.
    fn is_input(&self, _name: &str) -> bool {
        true
    }
}

/// Each index of the first axis is a sample, of all arrays alike.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows;

impl Divide for Rows {
    fn divide(&self, arrays: &[Input]) -> Result<Vec<Part>, Box<dyn Error + Send + Sync>> {
        let part = |(array, input): (usize, &Input)| {
            let (input, division) = (Arc::clone(&input.name), Division::Along(0));
            Part { array, input, division }
        };
        Ok(arrays.iter().enumerate().map(part).collect())
    }
}

impl Division {
    /// The axis that counts samples.
    ///
    /// # Panics
    ///
    /// When none does.
    pub(crate) fn axis(self) -> usize {
        match self {
            Self::Along(axis) => axis,
            Self::Stacked => 0,
            Self::Whole | Self::Added(_) => {
                unreachable!("an array that is not divided has no axis of samples")
            }
        }
    }

    /// The shape of one sample's part of an array.
    ///
    /// # Panics
    ///
    /// When the array has not the axis.
    #[must_use]
    pub fn shape(self, array: &[usize]) -> Vec<usize> {
        let mut shape = array.to_vec();
        match self {
            Self::Along(axis) => shape[axis] = 1,
            Self::Stacked => drop(shape.remove(0)),
            Self::Whole => {}
            Self::Added(axis) => shape.insert(axis, 1),
        }
        shape
    }
}
