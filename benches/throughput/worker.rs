//! Our side: dataset, preprocessing and prefetching as a job has them, into batches that lie in one piece of memory.

use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::io::{self, BufRead as _, BufWriter, Write as _};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, anyhow, bail};
use calibrant_dataset::{Content, Dataset, ReadAhead, ReadBuffer};
use calibrant_prefetch::{Config, run};
use calibrant_preprocess::{Pipeline, Preprocess as _, Scratch, Settings};

use crate::args::WorkerArgs;
use crate::process::Answer;
use crate::programs::{Kind, PROGRAMS};

/// Answers requests until standard input ends.
///
/// # Errors
///
/// When a picture cannot be used, or nobody reads the answers.
pub(crate) fn serve(args: &WorkerArgs) -> anyhow::Result<()> {
    let mut chain = Chain::new(args)?;
    answer(&Answer::Spelling(chain.spelling()))?;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let images = match line.splitn(3, ' ').collect::<Vec<_>>()[..] {
            ["pass"] => chain.pass(|_| Ok(()))?,
            ["check", count, file] => chain.check(count.parse()?, Path::new(file))?,
            _ => bail!("no such request: {line:?}"),
        };
        answer(&Answer::Images(images))?;
    }
    Ok(())
}

fn answer(answer: &Answer) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, answer)?;
    writeln!(out)?;
    Ok(out.flush()?)
}

/// What a worker keeps from picture to picture.
#[derive(Default)]
struct Buffers {
    read: ReadBuffer,
    preprocess: Scratch,
}

struct Chain {
    name: &'static str,
    pipeline: Pipeline,
    dataset: Dataset,
    config: Config,
    digests: bool,
    /// All slots, batch after batch; kept from pass to pass, as a job keeps it to its end.
    memory: Vec<f32>,
}

impl Chain {
    fn new(args: &WorkerArgs) -> anyhow::Result<Self> {
        let named = PROGRAMS.iter().find(|program| program.name == args.program);
        let program = named.with_context(|| format!("no program is called `{}`", args.program))?;
        let Kind::Ours { settings, digests } = program.kind else {
            bail!("`{}` is a peer", args.program);
        };
        let pipeline = Settings::from_toml(settings)?.recipe()?.compile()?;
        let dataset = Dataset::list(&args.list)?;
        // Every worker has a picture in hand, one that waits, and one that the consumer has, as in a job.
        let in_hand = 3 * args.cores.get();
        let batches_in_flight =
            NonZeroUsize::MIN.saturating_add(in_hand.div_ceil(args.batch.get()));
        let config = Config { workers: args.cores, batch_size: args.batch, batches_in_flight };
        let n_slots = args.batch.get() * batches_in_flight.get();
        let memory = vec![0.0; n_slots * pipeline.shape().iter().product::<usize>()];
        Ok(Self { name: program.name, pipeline, dataset, config, digests, memory })
    }

    fn spelling(&self) -> String {
        let Config { workers, batches_in_flight, .. } = self.config;
        let digests = if self.digests { ", SHA-256 of every file" } else { "" };
        let version = env!("CARGO_PKG_VERSION");
        let name = self.name;
        format!(
            "calibrant {version}, {name}{digests}; workers {workers}, batches in flight {batches_in_flight}"
        )
    }

    /// Goes once through all pictures and hands over each batch's tensors.
    fn pass(
        &mut self,
        mut consume: impl FnMut(&[&mut [f32]]) -> io::Result<()>,
    ) -> anyhow::Result<usize> {
        let Self { pipeline, dataset, config, digests, memory, .. } = self;
        let slots = memory.chunks_exact_mut(pipeline.shape().iter().product());
        let slots = Mutex::new(slots);
        let samples = ReadAhead::new(dataset.samples());
        let (images, _) = run(
            config,
            dataset.samples().iter(),
            || slots.lock().unwrap_or_else(PoisonError::into_inner).next().unwrap_or_default(),
            Buffers::default,
            |buffers, position, _, slot| {
                let content = samples.read(position, &mut buffers.read)?;
                fill(pipeline, *digests, content, &mut buffers.preprocess, slot)
            },
            |deliveries| {
                let mut images = 0;
                for delivery in deliveries {
                    if let Some(failure) = delivery.failures.into_iter().next() {
                        return Err(anyhow!("picture {}: {}", failure.position, failure.error));
                    }
                    images += delivery.batch.len();
                    consume(black_box(&delivery.batch))?;
                }
                Ok(images)
            },
        )?;
        images
    }

    fn check(&mut self, count: usize, file: &Path) -> anyhow::Result<usize> {
        let file =
            File::create(file).with_context(|| format!("cannot write {}", file.display()))?;
        let mut out = BufWriter::new(file);
        let mut written = 0;
        self.pass(|batch| {
            for tensor in batch.iter().take(count - written) {
                written += 1;
                for value in tensor.iter() {
                    out.write_all(&value.to_le_bytes())?;
                }
            }
            Ok(())
        })?;
        out.flush()?;
        Ok(written)
    }
}

fn fill(
    pipeline: &Pipeline,
    digests: bool,
    content: Content<'_>,
    scratch: &mut Scratch,
    slot: &mut [f32],
) -> Result<(), Box<dyn Error + Send + Sync>> {
    if digests {
        black_box(content.digest());
    }
    let Content::Encoded(bytes) = content else { return Err("not a picture".into()) };
    Ok(pipeline.preprocess(bytes, scratch, slot)?)
}
