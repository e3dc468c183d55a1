//! `IOptimizationProfile`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::c_char;

use tensorrt_sys::classes::IOptimizationProfile;
use tensorrt_sys::enums::OptProfileSelector;
use tensorrt_sys::{Enumeration, Version};

use crate::client::{text, value_at};
use crate::object::{Body, Class, Delete, Table};
use crate::plan::ShapesPlan;
use crate::tensor::{dims32, dims64, from_dims32, from_dims64};

/// The smallest, the best and the largest shape of each input, as far as they were given.
#[derive(Default)]
pub(crate) struct Profile {
    shapes: RefCell<BTreeMap<String, [Option<Vec<i64>>; 3]>>,
}

impl Profile {
    /// Whether every input has three shapes of one rank that do not shrink.
    pub(crate) fn is_valid(&self) -> bool {
        let ordered = |shapes: &[Option<Vec<i64>>; 3]| {
            let [Some(min), Some(opt), Some(max)] = shapes else { return false };
            let sizes = min.iter().zip(opt).zip(max);
            min.len() == opt.len()
                && opt.len() == max.len()
                && sizes.into_iter().all(|((min, opt), max)| 0 <= *min && min <= opt && opt <= max)
        };
        self.shapes.borrow().values().all(ordered)
    }

    /// The shapes by input; those of an incomplete input are left out.
    pub(crate) fn to_plan(&self) -> BTreeMap<String, ShapesPlan> {
        let shapes = self.shapes.borrow();
        let complete = shapes.iter().filter_map(|(name, shapes)| {
            let [min, opt, max] = shapes.clone();
            Some((name.clone(), ShapesPlan { min: min?, opt: opt?, max: max? }))
        });
        complete.collect()
    }

    /// Takes a shape, unless it contradicts one that is known.
    fn set(&self, name: &str, which: usize, dims: Option<Vec<i64>>) -> bool {
        let Some(dims) = dims.filter(|dims| dims.iter().all(|&size| size >= 0)) else {
            return false;
        };
        let mut shapes = self.shapes.borrow_mut();
        let shapes = shapes.entry(name.to_owned()).or_default();
        if shapes.iter().flatten().any(|known| known.len() != dims.len()) {
            return false;
        }
        shapes[which] = Some(dims);
        true
    }
}

impl Class for Profile {
    type Cpp = IOptimizationProfile;
    const NAME: &'static str = "IOptimizationProfile";
    const DELETE: Option<&'static Delete<IOptimizationProfile>> = None;
    const WORD: &'static str = "profile";

    fn fill(table: &mut Table<Self>) {
        table.on3(&IOptimizationProfile::SET_DIMENSIONS, |profile, name, selector, dims| {
            set(profile, name, selector, value_at(dims).and_then(|dims| from_dims64(&dims)))
        });
        table.on3(&IOptimizationProfile::SET_DIMENSIONS_TRT8, |profile, name, selector, dims| {
            set(profile, name, selector, from_dims32(&dims))
        });
        table.on2(&IOptimizationProfile::GET_DIMENSIONS, |profile, name, selector| {
            dims64(get(profile, name, selector).as_deref())
        });
        table.on2(&IOptimizationProfile::GET_DIMENSIONS_TRT8, |profile, name, selector| {
            dims32(get(profile, name, selector).as_deref())
        });
        table.on(&IOptimizationProfile::IS_VALID, |profile| profile.is_valid());
    }
}

/// The place of a selector in min, opt, max.
fn place(version: Version, selector: i32) -> Option<usize> {
    match OptProfileSelector::from_raw(version, selector)? {
        OptProfileSelector::Min => Some(0),
        OptProfileSelector::Opt => Some(1),
        OptProfileSelector::Max => Some(2),
        _ => None,
    }
}

fn set(
    profile: &Body<Profile>,
    name: *const c_char,
    selector: i32,
    dims: Option<Vec<i64>>,
) -> bool {
    let name = text(name);
    let context = profile.context();
    context.note(format!("{name} {selector} {:?}", dims.as_deref().unwrap_or_default()));
    place(context.version(), selector).is_some_and(|which| profile.set(&name, which, dims))
}

fn get(profile: &Body<Profile>, name: *const c_char, selector: i32) -> Option<Vec<i64>> {
    let which = place(profile.context().version(), selector)?;
    profile.shapes.borrow().get(&text(name))?[which].clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_valid_when_its_shapes_grow() {
        let profile = Profile::default();
        assert!(profile.is_valid());
        assert!(profile.set("x", 0, Some(vec![1, 3])));
        assert!(!profile.is_valid(), "one of three shapes");
        assert!(profile.set("x", 1, Some(vec![8, 3])));
        assert!(!profile.set("x", 2, Some(vec![8])), "another rank");
        assert!(!profile.set("x", 2, Some(vec![-1, 3])), "a size that is none");
        assert!(profile.set("x", 2, Some(vec![4, 3])));
        assert!(!profile.is_valid(), "the largest is smaller than the best");
        assert!(profile.set("x", 2, Some(vec![8, 3])));
        assert!(profile.is_valid());
        let shapes = ShapesPlan { min: vec![1, 3], opt: vec![8, 3], max: vec![8, 3] };
        assert_eq!(profile.to_plan(), BTreeMap::from([("x".to_owned(), shapes)]));
    }
}
