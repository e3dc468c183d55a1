//! Whether the profiles fit the model's inputs.

use crate::error::{BuildError, ProfileProblem};
use crate::options::BuildOptions;
use crate::shapes::{Profile, ShapeRange};

use super::TensorSummary;

/// TensorRT's mark for a dynamic dimension.
const DYNAMIC: i64 = -1;

/// Checks that every dynamic input has its shapes, and that they agree with what the model fixes.
pub(super) fn check(inputs: &[TensorSummary], options: &BuildOptions) -> Result<(), BuildError> {
    check_profiles(inputs, &options.profiles)?;
    options
        .calibration_profile
        .iter()
        .try_for_each(|profile| fits(inputs, profile))
        .map_err(|problem| BuildError::CalibrationProfile { problem })
}

fn check_profiles(inputs: &[TensorSummary], profiles: &[Profile]) -> Result<(), BuildError> {
    let dynamic = || inputs.iter().filter(|input| input.dims.contains(&DYNAMIC));
    if profiles.is_empty()
        && let Some(first) = dynamic().next()
    {
        let inputs = dynamic().map(|input| format!("{} {:?}", input.name, input.dims)).collect();
        return Err(BuildError::NeedsShapes { inputs, example: example(first).to_string() });
    }
    for (index, profile) in profiles.iter().enumerate() {
        fits(inputs, profile)
            .map_err(|problem| BuildError::Profile { profile: index + 1, problem })?;
    }
    Ok(())
}

/// Checks one profile.
fn fits(inputs: &[TensorSummary], profile: &Profile) -> Result<(), ProfileProblem> {
    profile.ranges.iter().try_for_each(|range| check_range(inputs, range))?;
    let mut dynamic = inputs.iter().filter(|input| input.dims.contains(&DYNAMIC));
    match dynamic.find(|input| profile.range(&input.name).is_none()) {
        Some(input) => Err(ProfileProblem::MissingInput { input: input.name.clone() }),
        None => Ok(()),
    }
}

fn check_range(inputs: &[TensorSummary], range: &ShapeRange) -> Result<(), ProfileProblem> {
    let name = || range.input.clone();
    let Some(input) = inputs.iter().find(|input| input.name == range.input) else {
        let inputs = inputs.iter().map(|input| input.name.clone()).collect();
        return Err(ProfileProblem::UnknownInput { input: name(), inputs });
    };
    if range.min.len() != input.dims.len() {
        return Err(ProfileProblem::Rank {
            input: name(),
            expected: input.dims.len(),
            given: range.min.len(),
        });
    }
    for (axis, &expected) in input.dims.iter().enumerate().filter(|&(_, &size)| size != DYNAMIC) {
        for given in [range.min[axis], range.opt[axis], range.max[axis]] {
            if i64::try_from(given) != Ok(expected) {
                return Err(ProfileProblem::Fixed { input: name(), axis, expected, given });
            }
        }
    }
    Ok(())
}

/// A range that fits the input: batches up to 32, pictures of 224 by 224, whatever else 128.
fn example(input: &TensorSummary) -> ShapeRange {
    let picture = input.dims.len() == 4;
    let shape = |batch| {
        let size = |(axis, &size): (usize, &i64)| match u64::try_from(size) {
            Ok(size) => size,
            Err(_dynamic) if axis == 0 => batch,
            Err(_dynamic) if picture && axis >= 2 => 224,
            Err(_dynamic) => 128,
        };
        input.dims.iter().enumerate().map(size).collect()
    };
    ShapeRange { input: input.name.clone(), min: shape(1), opt: shape(8), max: shape(32) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(name: &str, dims: &[i64]) -> TensorSummary {
        TensorSummary { name: name.to_owned(), dims: dims.to_vec(), data_type: "float".to_owned() }
    }

    fn profile(ranges: &[&str]) -> Profile {
        Profile { ranges: ranges.iter().map(|range| range.parse().unwrap()).collect() }
    }

    #[test]
    fn dynamic_inputs_without_shapes_are_listed_with_an_example() {
        let inputs = [input("x", &[-1, 3, -1, -1]), input("fixed", &[1]), input("y", &[1, -1])];
        let error = check_profiles(&inputs, &[]).unwrap_err();
        let BuildError::NeedsShapes { example, .. } = &error else { panic!("{error:?}") };
        assert_eq!(example, "x:1x3x224x224,8x3x224x224,32x3x224x224");
        assert_eq!(
            error.to_string(),
            "the model has dynamic inputs without shapes:\n  x [-1, 3, -1, -1]\n  y [1, -1]\n\
             give the smallest, the usual and the largest"
        );
        assert!(check_profiles(&[input("fixed", &[1, 2])], &[]).is_ok());
    }

    #[test]
    fn profiles_that_do_not_fit_are_refused() {
        let inputs = [input("x", &[-1, 3]), input("y", &[-1])];
        let cases = [
            (&["x:1x3", "y:1"][..], None),
            (&["x:1x3"], Some("it says nothing about dynamic input \"y\"")),
            (&["z:1", "x:1x3", "y:1"], Some("there is no input \"z\"; the inputs are x, y")),
            (&["x:1x3x5", "y:1"], Some("input \"x\" has 2 dimensions and the profile gives 3")),
            (
                &["x:1x4", "y:1"],
                Some("input \"x\" is fixed to 3 in dimension 1 and the profile gives 4"),
            ),
        ];
        for (ranges, problem) in cases {
            let found =
                check_profiles(&inputs, &[profile(ranges)]).err().map(|error| error.to_string());
            let expected =
                problem.map(|problem| format!("profile 1 does not fit the model: {problem}"));
            assert_eq!(found, expected, "{ranges:?}");
        }
    }
}
