//! What was measured, as `--json` writes it; everything else is computed from it.

use serde::{Deserialize, Serialize};

use crate::check::Tensors;
use crate::programs::Program;

/// All measurements of one call.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) about: About,
    pub(crate) runs: Vec<Run>,
}

/// Where, of what and how it was measured.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct About {
    pub(crate) commit: Option<String>,
    pub(crate) cpu: String,
    pub(crate) machine_cores: usize,
    pub(crate) memory_gib: f64,
    /// Whether each program was confined to its cores.
    pub(crate) pinned: bool,
    /// Of five minutes, at the end; a machine that did nothing else comes near the cores that were measured on.
    pub(crate) load_average: Option<f64>,
    pub(crate) set: String,
    pub(crate) files: usize,
    /// In 1000 bytes.
    pub(crate) mean_kb: f64,
    /// Pictures in a pass.
    pub(crate) count: usize,
    /// Of the comparison.
    pub(crate) batch: usize,
    pub(crate) rounds: usize,
}

/// One program on some cores, with one size of batches.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) program: String,
    /// Our chain of the same steps.
    pub(crate) beside: String,
    pub(crate) cores: usize,
    pub(crate) batch: usize,
    pub(crate) spelling: String,
    pub(crate) tensors: Tensors,
    /// Whether it is drawn.
    pub(crate) swept: bool,
    /// Round by round.
    pub(crate) images_per_s: Vec<f64>,
    /// Processor time of an image, user and system, of all its processes; empty where it cannot be known.
    pub(crate) cpu_ms: Vec<f64>,
}

/// The median of some rounds, with their range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Run {
    pub(crate) fn new(program: &Program, cores: usize, batch: usize, spelling: String) -> Self {
        Self {
            program: program.name.to_owned(),
            beside: program.beside().to_owned(),
            cores,
            batch,
            spelling,
            tensors: Tensors::Reference,
            swept: program.swept,
            images_per_s: Vec::new(),
            cpu_ms: Vec::new(),
        }
    }

    /// How many times as fast this one is as another, round by round.
    pub(crate) fn over(&self, other: &Self) -> Option<Spread> {
        let rounds = self.images_per_s.iter().zip(&other.images_per_s);
        Spread::of(rounds.map(|(one, other)| one / other))
    }

    pub(crate) fn rate(&self) -> Option<Spread> {
        Spread::of(self.images_per_s.iter().copied())
    }

    pub(crate) fn cpu(&self) -> Option<Spread> {
        Spread::of(self.cpu_ms.iter().copied())
    }
}

impl Results {
    /// The runs of the comparison: those with its size of batches.
    pub(crate) fn compared(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(|run| run.batch == self.about.batch)
    }

    pub(crate) fn find(&self, program: &str, cores: usize) -> Option<&Run> {
        self.compared().find(|run| run.program == program && run.cores == cores)
    }
}

impl Spread {
    /// `None` where there is no value.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (&min, &max) = (values.first()?, values.last()?);
        let middle = values.len() / 2;
        let median = if values.len().is_multiple_of(2) {
            f64::midpoint(values[middle - 1], values[middle])
        } else {
            values[middle]
        };
        Some(Self { median, min, max })
    }

    /// As `12.3 (11.9 to 13.0)`; of one round, as `12.3`.
    pub(crate) fn text(&self, digits: usize) -> String {
        let Self { median, min, max } = self;
        if min == max {
            return format!("{median:.digits$}");
        }
        format!("{median:.digits$} ({min:.digits$} to {max:.digits$})")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Two rounds on one and on two cores, of which the second was half as fast for all.
    pub(crate) fn example() -> Results {
        let run = |program: &str, beside: &str, cores, batch, rate: f64| Run {
            program: program.to_owned(),
            beside: beside.to_owned(),
            cores,
            batch,
            spelling: format!("{program} < spelled"),
            tensors: match program {
                "imagenet" => Tensors::Reference,
                "Python class" => Tensors::Equal,
                _ => Tensors::Different { max: 0.5, rms: 0.0123, share: 0.256 },
            },
            swept: true,
            images_per_s: vec![rate, rate / 2.0],
            cpu_ms: vec![1000.0 / rate, 2000.0 / rate],
        };
        let about = About {
            commit: Some("abc1234".to_owned()),
            cpu: "a processor".to_owned(),
            machine_cores: 2,
            memory_gib: 24.0,
            pinned: true,
            load_average: Some(1.25),
            set: "small".to_owned(),
            files: 64,
            mean_kb: 84.3,
            count: 512,
            batch: 32,
            rounds: 2,
        };
        let runs = vec![
            run("imagenet", "imagenet", 1, 32, 1200.0),
            run("Python class", "imagenet", 1, 32, 400.0),
            run("DALI", "imagenet", 1, 32, 500.0),
            run("imagenet", "imagenet", 2, 32, 2400.0),
            run("Python class", "imagenet", 2, 32, 400.0),
            run("imagenet", "imagenet", 2, 1, 2000.0),
            run("Python class", "imagenet", 2, 1, 380.0),
        ];
        Results { about, runs }
    }

    #[test]
    fn medians_and_ranges_are_those_of_the_rounds() {
        let odd = Spread::of([3.0, 1.0, 2.0]).expect("three values");
        assert_eq!(odd.text(1), "2.0 (1.0 to 3.0)");
        assert_eq!(Spread::of([4.0, 1.0]).expect("two values").text(2), "2.50 (1.00 to 4.00)");
        assert_eq!(Spread::of([4.0]).expect("one value").text(0), "4");
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        let results = example();
        let [ours, class] = ["imagenet", "Python class"].map(|name| results.find(name, 1));
        let ratio = ours.zip(class).and_then(|(ours, class)| ours.over(class));
        assert_eq!(ratio, Some(Spread { median: 3.0, min: 3.0, max: 3.0 }));
    }

    #[test]
    fn results_come_back_from_json() {
        let results = example();
        let text = serde_json::to_string(&results).expect("numbers and words");
        let back: Results = serde_json::from_str(&text).expect("what was just written");
        assert_eq!(serde_json::to_string(&back).expect("numbers and words"), text);
    }
}
