//! Normalisations that no network was trained with: mean and standard deviation of other pixels than the scale makes.

use std::fmt;

use crate::recipe::{Normalise, Scale};

/// What a picture spans, from black to white, in tensors that networks are fed: from pixels of 0 to 1 to pixels of 0 to
/// 255, with a little room for who divides by 256.
const SPANS: std::ops::RangeInclusive<f64> = 0.98..=260.0;
/// How far beyond black and white a mean may lie, as a part of the span.
const ROOM: f64 = 0.01;
/// White above which pixels are not of 0 to 1; those of 0 to 2 are scaled by 1/127.5.
const LARGEST_OF_ONE: f64 = 2.1;

/// A reason to think that `mean` or `std` are of other pixels than `scale` makes; displays as a sentence for the user.
#[derive(Debug, Clone, PartialEq)]
pub struct Doubt {
    /// The channel of the tensor that is furthest from any network's, from 0.
    pub channel: usize,
    /// What black becomes there.
    pub black: f64,
    /// What white becomes there.
    pub white: f64,
    /// How pixels become numbers.
    pub scale: Scale,
    /// The mean of that channel.
    pub mean: f64,
    /// The standard deviation of that channel.
    pub std: f64,
    /// A scale with which all channels would be as networks know them, where there is one.
    pub better: Option<Scale>,
}

impl Normalise {
    /// A reason to think that the mean or the standard deviation of a channel are of other pixels than the scale makes.
    ///
    /// Every preset is free of it; a network that was trained so has to be taken at its word.
    #[must_use]
    pub fn doubt(&self) -> Option<Doubt> {
        let channel = (0..self.color.channels()).find(|&it| !self.is_usual(it, self.scale))?;
        let others = [Scale::Times(1.0), Scale::Over(255.0)];
        let is_better = |scale: &Scale| {
            (0..self.color.channels()).all(|channel| self.is_usual(channel, *scale))
        };
        let (mean, std) = self.of_channel(channel);
        let value = |pixel: f64| (pixel * factor(self.scale) - mean) / std;
        Some(Doubt {
            channel,
            black: value(0.0),
            white: value(255.0),
            scale: self.scale,
            mean,
            std,
            better: others.into_iter().find(is_better),
        })
    }

    fn of_channel(&self, channel: usize) -> (f64, f64) {
        let of = |values: &[f64]| values.get(channel).or(values.first()).copied().unwrap_or(1.0);
        (of(&self.mean), of(&self.std))
    }

    /// Whether a network could know pictures so scaled.
    fn is_usual(&self, channel: usize, scale: Scale) -> bool {
        let (mean, std) = self.of_channel(channel);
        let white = 255.0 * factor(scale);
        // Between black and white, whichever is larger.
        let place = mean / white;
        let is_between = (-ROOM..=1.0 + ROOM).contains(&place);
        let is_of_one = white.abs() > LARGEST_OF_ONE && mean != 0.0 && mean.abs() <= 1.0;
        SPANS.contains(&(white / std).abs()) && is_between && !is_of_one
    }
}

fn factor(scale: Scale) -> f64 {
    match scale {
        Scale::Times(factor) => factor,
        Scale::Over(divisor) => 1.0 / divisor,
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { channel, black, white, scale, mean, std, better } = self;
        let [black, white] = [black, white].map(|value| (value * 1e4).round() / 1e4);
        write!(
            f,
            "channel {channel} of the tensor goes from {black} (black) to {white} (white), which few networks were \
             trained with: the scale {scale} makes pixels of 0 to {}, the mean is {mean} and the std {std}; ",
            (255.0 * factor(*scale) * 1e4).round() / 1e4
        )?;
        match better {
            Some(scale) => write!(f, "use the scale {scale} if mean and std are of such pixels"),
            None => f.write_str("make scale, mean and std those of the model's training"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Step;
    use crate::{Preset, Settings};

    fn doubt(toml: &str) -> Option<Doubt> {
        let text = format!("preset = 'raw'\nsize = '8x8'\n{toml}");
        let recipe = Settings::from_toml(&text).unwrap().recipe().unwrap();
        recipe.normalise().unwrap().doubt()
    }

    #[test]
    fn no_preset_is_doubtful() {
        for preset in Preset::all() {
            let steps = preset.steps();
            let Some(Step::Normalise(normalise)) = steps.last() else { panic!("{}", preset.name) };
            assert_eq!(normalise.doubt(), None, "{}", preset.name);
        }
    }

    #[test]
    fn what_networks_know_is_not_doubted() {
        for toml in [
            "scale = '1/255'",
            "scale = 1.0",
            "scale = '1/256'",
            "scale = '1/127.5'\nmean = [1.0]",
            "scale = 1.0\nmean = [128.0]\nstd = [256.0]",
            "scale = 1.0\nmean = [0.0]\nstd = [255.0]",
            "scale = '1/255'\nmean = [0.1307]\nstd = [0.3081]",
            "scale = '1/255'\nmean = [0.48145466, 0.4578275, 0.40821073]\nstd = [0.26862954, 0.26130258, 0.27577711]",
            // Inverted pictures: 1 - x/255.
            "scale = -0.00392156862745098\nmean = [-1.0]",
        ] {
            assert_eq!(doubt(toml), None, "{toml}");
        }
    }

    #[test]
    fn mean_and_std_of_other_pixels_are_doubted_with_the_way_out() {
        let (one, of_255) = (Some(Scale::Times(1.0)), Some(Scale::Over(255.0)));
        for (toml, channel, better) in [
            (
                "scale = '1/255'\nmean = [123.675, 116.28, 103.53]\nstd = [58.395, 57.12, 57.375]",
                0,
                one,
            ),
            ("scale = '1/255'\nmean = [123.675, 116.28, 103.53]", 0, one),
            ("scale = '1/255'\nstd = [58.395, 57.12, 57.375]", 0, one),
            ("scale = '1/255'\nstd = [255.0]", 0, one),
            ("scale = 0.00392\nmean = [127.5]\nstd = [127.5]", 0, one),
            ("scale = 1.0\nmean = [0.485, 0.456, 0.406]\nstd = [0.229, 0.224, 0.225]", 0, of_255),
            ("scale = 1.0\nmean = [0.485, 0.456, 0.406]", 0, of_255),
            ("scale = 1.0\nstd = [0.229, 0.224, 0.225]", 0, of_255),
            ("scale = 1.0\nmean = [0.5]\nstd = [0.5]", 0, of_255),
            ("scale = '1/65025'", 0, one),
            ("scale = 255.0", 0, one),
            // One channel alone, and what no scale mends.
            (
                "scale = '1/255'\nmean = [0.485, 116.28, 0.406]\nstd = [0.229, 0.224, 0.225]",
                1,
                None,
            ),
            (
                "scale = '1/255'\nmean = [0.485, 0.456, 0.406]\nstd = [0.229, 0.224, 57.375]",
                2,
                None,
            ),
            ("scale = 1.0\nmean = [300.0]", 0, None),
            ("scale = '1/255'\nmean = [-0.5]", 0, None),
        ] {
            let found = doubt(toml).unwrap_or_else(|| panic!("{toml}"));
            assert_eq!((found.channel, found.better), (channel, better), "{toml}");
            let said = found.to_string();
            let way_out =
                if better.is_some() { "; use the scale " } else { "; make scale, mean and std " };
            assert!(said.contains(way_out) && !said.contains('\n'), "{said}");
            if let Some(scale) = better {
                let rest: Vec<&str> = toml.lines().skip(1).collect();
                let mended = format!("scale = '{scale}'\n{}", rest.join("\n"));
                assert_eq!(doubt(&mended), None, "{toml}");
            }
        }
    }

    #[test]
    fn a_doubt_is_a_sentence() {
        let found = doubt("scale = '1/255'\nmean = [123.675]\nstd = [58.395]").unwrap();
        assert_eq!(
            found.to_string(),
            "channel 0 of the tensor goes from -2.1179 (black) to -2.1008 (white), which few networks were trained with: \
             the scale 1/255 makes pixels of 0 to 1, the mean is 123.675 and the std 58.395; use the scale 1 if mean and \
             std are of such pixels"
        );
    }
}
