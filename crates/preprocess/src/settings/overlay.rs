//! How settings change the steps of a recipe.

use std::ops::Range;

use super::Settings;
use crate::geometry::Geometry;
use crate::recipe::RecipeError;
use crate::recipe::{
    Crop, CropAnchor, Decode, Expect, Fill, Normalise, Pad, PadAnchor, PadTo, Resize, ResizeKind,
    Rounding, Size, Step, Target,
};

/// Bars of a letterbox when nothing else is said: Ultralytics' gray.
const LETTERBOX_FILL: u8 = 114;

impl Settings {
    /// Returns the steps with the changes made.
    ///
    /// # Errors
    ///
    /// [`RecipeError`] where a change finds nothing that it could change.
    pub(super) fn laid_over(&self, mut steps: Vec<Step>) -> Result<Vec<Step>, RecipeError> {
        match (self.resize, self.size) {
            (Some(kind), _) => {
                let geometry = self.geometry(kind, &steps)?;
                steps.splice(geometric(&steps), geometry);
            }
            (None, Some(size)) => set_size(size, &mut steps)?,
            (None, None) => {}
        }
        for step in &mut steps {
            match step {
                Step::Decode(decode) => self.change_decode(decode),
                Step::Resize(resize) => self.change_resize(resize),
                Step::Pad(Pad { fill, .. }) => *fill = self.fill.map_or(*fill, Fill::Pixel),
                Step::Normalise(normalise) => self.change_normalise(normalise),
                Step::Expect(_) | Step::Crop(_) => {}
            }
        }
        self.find_steps(&steps)?;
        Ok(steps)
    }

    /// Returns the steps of one of the usual geometries, for the settings' size or the recipe's.
    fn geometry(&self, kind: ResizeKind, steps: &[Step]) -> Result<Vec<Step>, RecipeError> {
        let range = geometric(steps);
        let size = match self.size {
            Some(size) => size,
            None => Geometry::new(&steps[range.clone()], range.start + 1)?.size(),
        };
        let filter = self.filter.or(steps.iter().find_map(|step| match step {
            Step::Resize(resize) => Some(resize.filter),
            _ => None,
        }));
        let resize = |target| match filter {
            Some(filter) => Ok(Step::Resize(Resize { target, filter })),
            None => Err(RecipeError::NoFilter { kind }),
        };
        Ok(match kind {
            ResizeKind::None => vec![Step::Expect(Expect { size })],
            ResizeKind::Stretch => vec![resize(Target::To(size))?],
            ResizeKind::ShorterCrop => {
                let side = self.shorter_side.unwrap_or_else(|| shorter_side_for(size));
                let target = Target::ShorterSide { side, rounding: Rounding::Down };
                let crop = Crop::Size { size, anchor: CropAnchor::Centre };
                vec![resize(target)?, Step::Crop(crop)]
            }
            ResizeKind::Letterbox => {
                let target = Target::Within { size, rounding: Rounding::HalfEven };
                let fill = Fill::Pixel(self.fill.unwrap_or(LETTERBOX_FILL));
                let pad = Pad { to: PadTo::Size(size), anchor: PadAnchor::Centre, fill };
                vec![resize(target)?, Step::Pad(pad)]
            }
        })
    }

    fn change_decode(&self, decode: &mut Decode) {
        *decode = Decode {
            jpeg: self.jpeg.unwrap_or(decode.jpeg),
            pixels: self.pixels.unwrap_or(decode.pixels),
            orientation: self.orientation.unwrap_or(decode.orientation),
            max_pixels: self.max_pixels.unwrap_or(decode.max_pixels),
            dct_scale: self.dct_scale.unwrap_or(decode.dct_scale),
        };
    }

    fn change_resize(&self, resize: &mut Resize) {
        resize.filter = self.filter.unwrap_or(resize.filter);
        if let Target::ShorterSide { side, .. } = &mut resize.target {
            *side = self.shorter_side.unwrap_or(*side);
        }
        if let Some(rounding) = resize.target.rounding_mut() {
            *rounding = self.rounding.unwrap_or(*rounding);
        }
    }

    fn change_normalise(&self, normalise: &mut Normalise) {
        let Self { color, scale, mean, std, arithmetic, .. } = self;
        normalise.color = color.unwrap_or(normalise.color);
        normalise.scale = scale.unwrap_or(normalise.scale);
        for (values, ours) in [(&mut normalise.mean, mean), (&mut normalise.std, std)] {
            if let Some(ours) = ours {
                values.clone_from(ours);
            }
        }
        normalise.arithmetic = arithmetic.unwrap_or(normalise.arithmetic);
    }

    /// Checks that the steps are there which only some recipes have.
    fn find_steps(&self, steps: &[Step]) -> Result<(), RecipeError> {
        let any = |is_it: fn(&Step) -> bool| steps.iter().any(is_it);
        let resizes = any(|step| matches!(step, Step::Resize(_)));
        let by_shorter_side = any(|step| {
            matches!(step, Step::Resize(Resize { target: Target::ShorterSide { .. }, .. }))
        });
        let rounds = any(
            |step| matches!(step, Step::Resize(Resize { target, .. }) if { *target }.rounding_mut().is_some()),
        );
        let pads = any(|step| matches!(step, Step::Pad(_)));
        let needs = [
            (self.filter.is_some(), resizes, "filter", "`resize`"),
            (
                self.shorter_side.is_some(),
                by_shorter_side,
                "shorter-side",
                "`resize` by `shorter-side`",
            ),
            (
                self.rounding.is_some(),
                rounds,
                "rounding",
                "`resize` whose sides follow the picture's",
            ),
            (self.fill.is_some(), pads, "fill", "`pad`"),
        ];
        match needs.into_iter().find(|(is_said, is_there, ..)| *is_said && !*is_there) {
            Some((_, _, field, step)) => Err(RecipeError::NoSuchStep { field, step }),
            None => Ok(()),
        }
    }
}

/// Returns where the geometric steps are: between `decode` and `normalise`.
fn geometric(steps: &[Step]) -> Range<usize> {
    let start = usize::from(matches!(steps, [Step::Decode(_), ..]));
    let end = steps.iter().position(|step| matches!(step, Step::Normalise(_)));
    start..end.unwrap_or(steps.len()).max(start)
}

/// Makes the tensor that size: the last geometric step and, in proportion, what follows the resize.
fn set_size(size: Size, steps: &mut Vec<Step>) -> Result<(), RecipeError> {
    let range = geometric(steps);
    let geometry = &mut steps[range.clone()];
    let resize = geometry.iter().position(|step| matches!(step, Step::Resize(_)));
    let Some((last, before)) = geometry.split_last_mut() else {
        steps.insert(range.start, Step::Expect(Expect { size }));
        return Ok(());
    };
    let old = match last {
        Step::Expect(Expect { size: old })
        | Step::Crop(Crop::Size { size: old, .. })
        | Step::Resize(Resize { target: Target::To(old), .. })
        | Step::Pad(Pad { to: PadTo::Size(old), .. }) => std::mem::replace(old, size),
        other => {
            return Err(RecipeError::SizeFollows { number: range.end, kind: other.kind() });
        }
    };
    for step in before.iter_mut().skip(resize.unwrap_or(usize::MAX)) {
        match step {
            Step::Resize(resize) => resize.target = scaled_target(resize.target, old, size),
            Step::Crop(Crop::Size { size: part, .. }) => *part = scaled_size(*part, old, size),
            _ => {}
        }
    }
    Ok(())
}

fn scaled_target(target: Target, old: Size, new: Size) -> Target {
    let longest = |size: Size| size.width.max(size.height);
    let scaled = |side| scaled(side, longest(old), longest(new));
    match target {
        Target::To(size) => Target::To(scaled_size(size, old, new)),
        Target::ShorterSide { side, rounding } => {
            Target::ShorterSide { side: scaled(side), rounding }
        }
        Target::LongerSide { side, rounding } => {
            Target::LongerSide { side: scaled(side), rounding }
        }
        Target::Within { size, rounding } => {
            Target::Within { size: scaled_size(size, old, new), rounding }
        }
        Target::Line { size, rounding } => {
            Target::Line { size: scaled_size(size, old, new), rounding }
        }
        Target::Limit { side, multiple } => {
            // So that every picture fits, and on the grid.
            let shortest = |size: Size| size.width.min(size.height);
            let side = self::scaled(side, shortest(old), shortest(new));
            let side = side / multiple.max(1) * multiple.max(1);
            Target::Limit { side: side.max(multiple), multiple }
        }
        Target::Edges { shortest, longest } => {
            let least = |size: Size| size.width.min(size.height);
            let scaled = |side| self::scaled(side, least(old), least(new));
            Target::Edges { shortest: scaled(shortest), longest: scaled(longest) }
        }
    }
}

fn scaled_size(size: Size, old: Size, new: Size) -> Size {
    Size::new(scaled(size.width, old.width, new.width), scaled(size.height, old.height, new.height))
}

/// Returns the side in the proportion of two others, rounded down, at least 1.
fn scaled(side: u32, old: u32, new: u32) -> u32 {
    let length = u64::from(side) * u64::from(new) / u64::from(old.max(1));
    u32::try_from(length).unwrap_or(u32::MAX).max(1)
}

/// The classic margin of 256 to 224, rounded down as timm's `floor(size / 0.875)`.
///
/// It follows the longer side of the tensor, so that the crop lies inside every picture.
fn shorter_side_for(size: Size) -> u32 {
    scaled(size.width.max(size.height), 224, 256)
}
