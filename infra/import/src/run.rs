//! Line after line, many at a time.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, BufReader},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    task::{JoinError, JoinSet},
};

use crate::{
    aws,
    lines::{Line, Lines},
    options::Options,
    progress::{Counts, Progress},
    refusal::Output,
    work::{Done, Outcome, Work},
};

/// Users at a time.
const CONCURRENCY: usize = 32;

/// Takes everybody in; whether all were.
///
/// # Errors
/// Why it came to no end, and how far it came.
pub fn run(options: &Options) -> Result<bool, String> {
    check_paths(options)?;
    let store = aws::connect(options)?;
    // The reports of an earlier run are overwritten only by another one.
    let (lines, total) = open(options)?;
    let report = options.report.as_deref().map_or_else(|| Ok(Output::stdout()), Output::create)?;
    let ids = options.ids.as_deref().map(Output::create).transpose()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("no runtime: {error}"))?;
    let work = Work::new(store, options);
    let mut run = Run { report, ids, counts: Counts::default(), progress: Progress::start(total), undone: None };
    let result = runtime.block_on(run.all(&Arc::new(work), lines));
    run.progress.finish();
    if run.counts.lost_images > 0 {
        eprintln!("{} pictures stay behind: no address of the web, or too long", run.counts.lost_images);
    }
    eprintln!("{}{}", run.counts, if options.dry_run { "; nothing was written" } else { "" });
    result.map(|()| run.counts.refused == 0)
}

struct Run {
    report: Output,
    ids: Option<Output>,
    counts: Counts,
    progress: Progress,
    /// The first line that was not decided, and why.
    undone: Option<(u64, String)>,
}

impl Run {
    /// Works the lines off, until there are none, one cannot be decided, or
    /// somebody interrupts; what is begun by then is finished.
    async fn all(&mut self, work: &Arc<Work>, mut lines: mpsc::Receiver<io::Result<Line>>) -> Result<(), String> {
        let listen = |kind| signal(kind).map_err(|error| format!("listening for signals: {error}"));
        let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
        let mut tasks = JoinSet::new();
        let mut begun = HashMap::new();
        let mut next = 1;
        let mut open = true;
        while open || !tasks.is_empty() {
            tokio::select! {
                Some(ended) = tasks.join_next_with_id() => {
                    let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
                    let number = begun.remove(&id).unwrap_or(next);
                    match ended {
                        Ok((_, done)) => self.note(done),
                        Err(error) => self.stop(number, &format!("a line was not worked off: {error}")),
                    }
                }
                _ = interrupt.recv() => self.interrupt(work, open, next),
                _ = terminate.recv() => self.interrupt(work, open, next),
                line = lines.recv(), if open && tasks.len() < CONCURRENCY => match line {
                    Some(Ok(line)) => {
                        next = line.number + 1;
                        let number = line.number;
                        begun.insert(tasks.spawn(Arc::clone(work).line(line)).id(), number);
                    }
                    Some(Err(error)) => self.stop(next, &format!("the file cannot be read: {error}")),
                    None => open = false,
                },
            }
            if self.undone.is_some() {
                work.stop();
                open = false;
            }
        }
        match &self.undone {
            None => Ok(()),
            Some((line, reason)) => {
                Err(format!("{reason}; every line before {line} is done, and the same command again does the others"))
            }
        }
    }

    /// Nothing is begun or tried again any more; where all is begun, it may still be done.
    fn interrupt(&mut self, work: &Work, open: bool, next: u64) {
        work.stop();
        if open {
            self.stop(next, "interrupted");
        }
    }

    fn stop(&mut self, line: u64, reason: &str) {
        if self.undone.as_ref().is_none_or(|(first, _)| line < *first) {
            self.undone = Some((line, reason.to_owned()));
        }
    }

    fn note(&mut self, done: Done) {
        let number = done.number;
        if let Err(error) = self.count(done) {
            self.stop(number, &format!("the report cannot be written: {error}"));
        }
    }

    fn count(&mut self, done: Done) -> io::Result<()> {
        let Done { number, end, id, outcome } = done;
        match outcome {
            Outcome::Failed(error) => {
                self.stop(number, &error.to_string());
                return Ok(());
            }
            Outcome::Refused(refusal) => {
                self.report.refused(number, id.as_deref(), &refusal)?;
                self.counts.refused += 1;
            }
            Outcome::In { here, created, lost_image } => {
                self.counts.created += u64::from(created);
                self.counts.present += u64::from(!created);
                self.counts.lost_images += u64::from(lost_image);
                if let (Some(ids), Some(there)) = (&mut self.ids, &id) {
                    ids.renamed(there, &here)?;
                }
            }
        }
        self.counts.lines += 1;
        self.progress.show(&self.counts, end);
        Ok(())
    }
}

/// No output overwrites the input, or the other output.
fn check_paths(options: &Options) -> Result<(), String> {
    let mut known: Vec<PathBuf> = Vec::new();
    for path in [&options.input, &options.report, &options.ids].into_iter().flatten() {
        let place = place_of(path);
        if known.contains(&place) {
            return Err(format!("{} is named twice", path.display()));
        }
        known.push(place);
    }
    Ok(())
}

/// Where a file is, or would be.
fn place_of(path: &Path) -> PathBuf {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let would_be = || Some(fs::canonicalize(parent).ok()?.join(path.file_name()?));
    fs::canonicalize(path).ok().or_else(would_be).unwrap_or_else(|| path.to_owned())
}

/// The lines of the input, read ahead by a thread, and its length if it has one.
fn open(options: &Options) -> Result<(mpsc::Receiver<io::Result<Line>>, Option<u64>), String> {
    let (sender, receiver) = mpsc::channel(CONCURRENCY);
    let Some(path) = &options.input else {
        thread::spawn(move || send(Lines::new(io::stdin().lock()), &sender));
        return Ok((receiver, None));
    };
    let failed = |error: io::Error| format!("{}: {error}", path.display());
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    thread::spawn(move || send(Lines::new(BufReader::new(file)), &sender));
    Ok((receiver, metadata.is_file().then_some(metadata.len())))
}

/// Until the end, or until nobody wants more.
fn send(mut lines: Lines<impl io::BufRead>, to: &mpsc::Sender<io::Result<Line>>) {
    while let Some(line) = lines.next_line().transpose() {
        let is_last = line.is_err();
        if to.blocking_send(line).is_err() || is_last {
            return;
        }
    }
}
