//! What the functions write.

use std::{
    collections::VecDeque,
    io::{self, Write as _},
    sync::{Arc, Mutex, PoisonError},
};

use crate::runtime::LineSink;

/// Lines that are kept; older ones are forgotten.
const LIMIT: usize = 50_000;

/// Says on the console what takes a while.
pub(crate) fn progress(text: &str) {
    // A console that is gone is no reason to stop.
    let _ = writeln!(io::stderr(), "{text}");
}

/// A line that a function wrote to its standard output or error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Name of the function.
    pub function: String,
    /// The line, without its end.
    pub text: String,
}

/// The lines of all functions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Logs(Arc<Mutex<VecDeque<LogLine>>>);

impl Logs {
    /// Takes the lines of one function, and shows them if asked to.
    pub(crate) fn sink(&self, function: &str, show: bool) -> LineSink {
        let (logs, function) = (self.clone(), function.to_owned());
        Arc::new(move |line| {
            if show {
                progress(&format!("{function}: {line}"));
            }
            logs.add(&function, line);
        })
    }

    fn add(&self, function: &str, text: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LIMIT {
            lines.pop_front();
        }
        lines.push_back(LogLine { function: function.to_owned(), text: text.to_owned() });
    }

    pub(crate) fn all(&self) -> Vec<LogLine> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
