//! How far it came, on standard error.

use std::{
    fmt,
    io::{IsTerminal as _, stderr},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a line is written where there is no terminal.
const INTERVAL: Duration = Duration::from_secs(5);

/// What became of the lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub lines: u64,
    pub created: u64,
    pub present: u64,
    pub refused: u64,
    pub lost_images: u64,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lines, created, present, refused, .. } = self;
        write!(f, "{lines} users: {created} new, {present} already there, {refused} refused")
    }
}

/// A bar on a terminal, and lines elsewhere.
pub struct Progress {
    bar: ProgressBar,
    last_line: Option<Instant>,
}

impl Progress {
    /// `total`: bytes of the input, if that is known.
    pub fn start(total: Option<u64>) -> Self {
        let (bar, template) = match total {
            Some(total) => (ProgressBar::new(total), "{wide_bar} {percent}% {eta} left\n{msg}"),
            None => (ProgressBar::new_spinner(), "{spinner} {elapsed}\n{msg}"),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        // The bar hides itself where there is no terminal.
        Self { bar, last_line: (!stderr().is_terminal()).then(Instant::now) }
    }

    pub fn show(&mut self, counts: &Counts, bytes: u64) {
        if self.bar.is_hidden() {
            if self.last_line.is_some_and(|last| last.elapsed() >= INTERVAL) {
                eprintln!("{counts}");
                self.last_line = Some(Instant::now());
            }
        } else {
            self.bar.set_message(counts.to_string());
            self.bar.set_position(bytes);
        }
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
