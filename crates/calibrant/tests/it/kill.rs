//! Jobs that are killed at random moments, one after another in one folder, on two models in turn: whatever is there
//! afterwards is whole and of one job, and running the job again gives what it always gives.
//!
//! A dozen kills are a test; `cargo xtask test-kill` asks for more by the environment variables below.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use calibrant_engine::Version;
use calibrant_job::{CACHE, MODEL, PLAN, REPORT, STATISTICS, TABLE};
use calibrant_tensor::digest;
use serde_json::Value;
use tempfile::TempDir;
use tensorrt_double::{Installation, install};

use crate::fixtures::{files, fixture};

/// How many jobs are killed.
const KILLS: &str = "CALIBRANT_KILLS";
/// What the moments are drawn from.
const SEED: &str = "CALIBRANT_KILL_SEED";

/// The results whose bytes depend on nothing but the job.
const RESULTS: [&str; 5] = [STATISTICS, TABLE, CACHE, MODEL, PLAN];

/// The jobs: two models, so that results of one beside those of the other would be seen.
const MODELS: [&str; 2] = ["models/fashion_cnn.onnx", "models/fashion_cnn_bn.onnx"];

/// Names that nobody but their owner may touch; one begins like our own.
const BYSTANDERS: [&str; 2] = ["notes.txt", ".calibrant-unfinished-notes"];

/// How long the double builds, so that there is time between the first result and the last.
const BUILD_MS: u32 = 120;

/// Between two looks at the folder.
const LOOK: Duration = Duration::from_micros(200);

/// When a job is killed.
#[derive(Debug, Clone, Copy)]
enum Aim {
    /// At any moment from its start on.
    Anywhere,
    /// After it has begun to write results: while one follows another, or later.
    Between,
    /// In the first moments of that, when several results appear within milliseconds.
    Early,
}

/// Where the jobs run, and what they give when nobody kills them.
struct Yard {
    folder: TempDir,
    /// By model, the bytes of each result.
    whole: Vec<BTreeMap<&'static str, Vec<u8>>>,
    /// How long a job takes until its first result, and from there to its end.
    until_first: Duration,
    from_first: Duration,
}

/// What kills found.
#[derive(Debug, Default)]
struct Tally {
    nothing: usize,
    partial: BTreeMap<Vec<String>, usize>,
    ended: usize,
    unfinished: usize,
}

/// Random numbers by xorshift: a seed gives the same moments everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap()
    }

    fn within(&mut self, time: Duration) -> Duration {
        let micros = u64::try_from(time.as_micros()).unwrap().max(1);
        Duration::from_micros(self.next() % micros)
    }
}

impl Yard {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Installation { build_ms: Some(BUILD_MS), ..Installation::default() };
        install(&folder.path().join("lib"), Version::from_raw(110_400), &options).unwrap();
        let (until_first, from_first) = (Duration::ZERO, Duration::ZERO);
        let mut yard = Self { folder, whole: Vec::new(), until_first, from_first };
        for model in 0..MODELS.len() {
            let output = yard.folder.path().join(format!("whole{model}"));
            let started = Instant::now();
            let mut job = yard.start(model, &output);
            wait_for_first(&mut job, &output, None);
            yard.until_first = started.elapsed();
            assert!(job.wait().unwrap().success());
            yard.from_first = started.elapsed() - yard.until_first;
            let result = |name| (name, fs::read(output.join(name)).unwrap());
            yard.whole.push(RESULTS.map(result).into());
        }
        for name in RESULTS {
            assert!(yard.whole[0][name] != yard.whole[1][name], "{name} tells the models apart");
        }
        fs::create_dir(yard.output()).unwrap();
        BYSTANDERS.iter().for_each(|name| fs::write(yard.output().join(name), "mine").unwrap());
        yard
    }

    fn output(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn start(&self, model: usize, output: &Path) -> Child {
        Command::new(env!("CARGO_BIN_EXE_calibrant"))
            .args(["quantize", "--quiet", "--preset", "fashion", "--limit", "8", "--model"])
            .arg(fixture(MODELS[model]))
            .arg("--images")
            .arg(fixture("fashion/calibration"))
            .arg("--tensorrt")
            .arg(self.folder.path().join("lib"))
            .arg("--output")
            .arg(output)
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Starts a job and kills it.
    fn kill(&self, model: usize, aim: Aim, random: &mut Random) {
        let output = self.output();
        let before = journal_time(&output);
        let mut job = self.start(model, &output);
        match aim {
            Aim::Anywhere => sleep(random.within(self.until_first + self.from_first)),
            Aim::Between => {
                wait_for_first(&mut job, &output, before);
                sleep(random.within(self.from_first));
            }
            Aim::Early => {
                wait_for_first(&mut job, &output, before);
                sleep(random.within(self.from_first / 8));
            }
        }
        // It may have ended by itself.
        job.kill().unwrap();
        job.wait().unwrap();
    }

    /// Looks at what a killed job left.
    fn inspect(&self, tally: &mut Tally) {
        let (hidden, seen): (Vec<_>, Vec<_>) =
            files(&self.output()).into_iter().partition(|name| name.starts_with('.'));
        tally.unfinished += usize::from(hidden.len() > 1);
        let results: Vec<String> = seen.into_iter().filter(|name| name != BYSTANDERS[0]).collect();
        self.assert_whole_and_of_one_job(&results);
        match results.len() {
            0 => tally.nothing += 1,
            _ if results.iter().any(|name| name == REPORT) => tally.ended += 1,
            _ => *tally.partial.entry(results).or_default() += 1,
        }
    }

    fn assert_whole_and_of_one_job(&self, results: &[String]) {
        let mut owners: BTreeSet<usize> = (0..MODELS.len()).collect();
        for name in results {
            let bytes = fs::read(self.output().join(name)).unwrap();
            if name == REPORT {
                let report: Value = serde_json::from_slice(&bytes).unwrap();
                let written = report["files"].as_array().unwrap();
                assert_eq!(written.len(), RESULTS.len(), "a report comes last: {report:#}");
                for file in written {
                    let bytes = fs::read(file["path"].as_str().unwrap()).unwrap();
                    assert_eq!(file["sha256"], digest(&bytes).to_string());
                }
                continue;
            }
            owners.retain(|&model| self.whole[model].get(name.as_str()) == Some(&bytes));
            assert!(!owners.is_empty(), "`{name}` is not whole, or of another job: {results:?}");
        }
    }

    /// Runs a job to its end and makes sure that it gives what it always gives, and cleans up.
    fn run_again(&self, model: usize) {
        let output = self.output();
        assert!(self.start(model, &output).wait().unwrap().success(), "the folder is usable");
        let mut expected: Vec<String> =
            RESULTS.iter().chain(&[REPORT]).chain(&BYSTANDERS).map(|&name| name.into()).collect();
        expected.sort();
        assert_eq!(files(&output), expected);
        for (name, bytes) in &self.whole[model] {
            assert!(fs::read(output.join(name)).unwrap() == *bytes, "{name} is the same");
        }
        for name in BYSTANDERS {
            assert_eq!(fs::read(output.join(name)).unwrap(), b"mine");
        }
    }
}

/// When the journal in a folder was written, if there is one.
fn journal_time(output: &Path) -> Option<SystemTime> {
    fs::metadata(output.join(".calibrant-job.json")).ok()?.modified().ok()
}

/// Waits until a job has begun to write results, or has ended; an earlier one may have left its journal.
fn wait_for_first(job: &mut Child, output: &Path, before: Option<SystemTime>) {
    while matches!(journal_time(output), now if now.is_none() || now == before)
        && job.try_wait().unwrap().is_none()
    {
        sleep(LOOK);
    }
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

#[test]
fn a_killed_job_leaves_whole_results_of_one_job_and_can_be_run_again() {
    let (kills, seed) = (number(KILLS, 12), number(SEED, 20_261_130));
    let (yard, mut random) = (Yard::new(), Random(seed.max(1)));
    let mut tally = Tally::default();
    for kill in 0..kills {
        let aim = match kill % 4 {
            0 | 2 => Aim::Anywhere,
            1 => Aim::Between,
            _ => Aim::Early,
        };
        yard.kill(random.below(MODELS.len()), aim, &mut random);
        yard.inspect(&mut tally);
        // Every other time the next kill meets what this one left.
        if random.below(2) == 0 {
            yard.run_again(random.below(MODELS.len()));
        }
    }
    yard.run_again(0);
    println!("{kills} kills by seed {seed}");
    println!("  no result there: {}, all there: {}", tally.nothing, tally.ended);
    println!("  unfinished files left: {}", tally.unfinished);
    for (results, count) in &tally.partial {
        println!("  {count} x {}", results.join(" "));
    }
}
