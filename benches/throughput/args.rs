//! The command line, and what follows from it and the machine.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::{Args as Arguments, Parser, Subcommand, ValueEnum};

use crate::machine::Machine;
use crate::pictures::Pictures;
use crate::programs::{PROGRAMS, Program};

/// Throughput of the calibration data pipeline, from files to normalised f32 NCHW batches, beside its peers.
///
/// Prints a table: images/s and CPU time as medians over rounds with their range, ratios paired by round. Without
/// arguments it measures calibrant alone, on pictures made from fixtures/photos. benches/peers/README.md says how to
/// set up the peers and how to make pictures from photographs of your own.
#[derive(Debug, Parser)]
#[command(
    bin_name = "cargo xtask bench",
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) bench: BenchArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// One of calibrant's rows, driven over standard input.
    #[command(hide = true)]
    Worker(WorkerArgs),
}

/// What a worker of ours is given; the peers take the same.
#[derive(Debug, Arguments)]
pub(crate) struct WorkerArgs {
    pub(crate) program: String,
    #[arg(long)]
    pub(crate) list: PathBuf,
    #[arg(long)]
    pub(crate) batch: NonZeroUsize,
    #[arg(long)]
    pub(crate) cores: NonZeroUsize,
}

#[derive(Debug, Arguments)]
pub(crate) struct BenchArgs {
    /// Folder of pictures [default: made from fixtures/photos]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) images: Option<PathBuf>,
    /// What pictures there are: `small` about 500x375, `large` 12 megapixels; chooses --count, --batch and what is made
    #[arg(long, value_enum, default_value_t = Set::Small)]
    pub(crate) set: Set,
    /// Python that has the peers' packages; one that lacks some leaves out their peers [default: no peers]
    #[arg(long, value_name = "PYTHON")]
    pub(crate) python: Option<PathBuf>,
    /// Numbers of cores to compare on; each program has as many workers or threads
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_value = "1,2")]
    pub(crate) cores: Vec<NonZeroUsize>,
    /// Pictures in a batch [default: 32, of large ones 8]
    #[arg(long, value_name = "N")]
    pub(crate) batch: Option<NonZeroUsize>,
    /// Pictures in a pass, made up to whole batches; the folder is gone through again where it has fewer [default: 512, of
    /// large ones 16]
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<NonZeroUsize>,
    /// Times that every program goes through the pictures
    #[arg(long, value_name = "N", default_value = "9")]
    pub(crate) rounds: NonZeroUsize,
    /// Programs to run, by the names in the table [default: all]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Writes every single measurement
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Also measures over numbers of cores and sizes of batches, and draws it
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Prints what has changed since this file of --json, as ratios to the Python class; as images/s where the machine is
    /// the same
    #[arg(long, value_name = "FILE")]
    pub(crate) compare: Option<PathBuf>,
}

/// Which pictures are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Set {
    Small,
    Large,
}

/// All choices made.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) set: Set,
    pub(crate) python: Option<PathBuf>,
    pub(crate) programs: Vec<&'static Program>,
    /// Ascending, each once, none more than the machine has.
    pub(crate) cores: Vec<usize>,
    pub(crate) machine_cores: usize,
    pub(crate) batch: usize,
    pub(crate) count: usize,
    pub(crate) rounds: usize,
}

impl Set {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Large => "large",
        }
    }

    fn batch(self) -> usize {
        match self {
            Self::Small => 32,
            Self::Large => 8,
        }
    }

    fn count(self) -> usize {
        match self {
            Self::Small => 512,
            Self::Large => 16,
        }
    }
}

impl BenchArgs {
    /// Fills in what was not said.
    ///
    /// # Errors
    ///
    /// When a program is unknown, or the machine has fewer cores than all that were asked for.
    pub(crate) fn setting(
        &self,
        machine: &Machine,
        pictures: &Pictures,
    ) -> anyhow::Result<Setting> {
        let machine_cores = machine.cores.len();
        let mut cores: Vec<usize> = self.cores.iter().map(|n| n.get()).collect();
        cores.retain(|&n| n <= machine_cores);
        cores.sort_unstable();
        cores.dedup();
        if cores.is_empty() {
            bail!("--cores: this process may use {machine_cores} of the machine's cores");
        }
        let setting = Setting {
            set: self.set,
            python: self.python.as_deref().map(absolute),
            programs: programs(&self.only)?,
            cores,
            machine_cores,
            batch: self.batch.map_or(self.set.batch(), NonZeroUsize::get),
            count: self.count.map_or(self.set.count(), NonZeroUsize::get).max(1),
            rounds: self.rounds.get(),
        };
        if pictures.paths.is_empty() {
            bail!("there is no picture");
        }
        Ok(setting)
    }
}

/// The path that still leads there from another folder; not resolved, because a Python environment is a link.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn programs(only: &[String]) -> anyhow::Result<Vec<&'static Program>> {
    if only.is_empty() {
        return Ok(PROGRAMS.iter().collect());
    }
    if let Some(unknown) = only.iter().find(|name| PROGRAMS.iter().all(|it| it.name != **name)) {
        let names: Vec<&str> = PROGRAMS.iter().map(|it| it.name).collect();
        bail!("no program is called `{unknown}`; there are: {}", names.join(", "));
    }
    let wanted = |program: &&Program| only.iter().any(|name| name == program.name);
    Ok(PROGRAMS.iter().filter(wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(line: &str, cores: usize) -> anyhow::Result<Setting> {
        let args = Args::try_parse_from(std::iter::once("bench").chain(line.split_whitespace()))?;
        let machine = Machine { cores: (0..cores).collect(), ..Machine::default() };
        let pictures = Pictures { paths: vec![PathBuf::from("a.jpg")], bytes: 1 };
        args.bench.setting(&machine, &pictures)
    }

    #[test]
    fn what_is_not_said_follows_from_the_set_and_the_machine() {
        let small = setting("", 1).expect("the defaults hold anywhere");
        assert_eq!((small.cores, small.batch, small.count), (vec![1], 32, 512));
        let large = setting("--set large --cores 4,1,4 --batch 2", 8).expect("enough cores");
        assert_eq!((large.cores, large.batch, large.count), (vec![1, 4], 2, 16));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let message = setting("--cores 4", 2).expect_err("two cores are not four").to_string();
        assert_eq!(message, "--cores: this process may use 2 of the machine's cores");
        let message = setting("--only imagnet", 2).expect_err("misspelt").to_string();
        assert!(message.starts_with("no program is called `imagnet`; there are: imagenet, "));
        assert_eq!(
            setting("--only torchvision,imagenet", 2).expect("both exist").programs.len(),
            2
        );
    }
}
