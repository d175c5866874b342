//! The table of figures.

use std::time::Duration;

/// A line of the table, ready to print.
pub struct Row {
    /// What is measured, and how often.
    pub measure: String,
    /// Figure of the service.
    pub ours: String,
    /// Figure that it is compared to.
    pub peer: String,
    /// How many times one is the other.
    pub ratio: String,
    /// The goal.
    pub goal: String,
    /// Whether the goal is reached, if there is one.
    pub reached: Option<bool>,
}

impl Row {
    fn cells(&self) -> [&str; 6] {
        let verdict = match self.reached {
            Some(true) => "reached",
            Some(false) => "missed",
            None => "",
        };
        [&self.measure, &self.ours, &self.peer, &self.ratio, &self.goal, verdict]
    }
}

/// Prints the table in Markdown, its columns aligned.
pub fn print_table(rows: &[Row]) {
    let head = ["measure", "ours", "peer", "ratio", "to reach", "verdict"];
    let lines: Vec<_> = std::iter::once(head).chain(rows.iter().map(Row::cells)).collect();
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|cells| cells.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    for (number, cells) in lines.iter().enumerate() {
        let cells: Vec<_> = cells.iter().zip(&widths).map(|(cell, width)| format!(" {cell:width$} ")).collect();
        println!("|{}|", cells.join("|"));
        if number == 0 {
            let rules: Vec<_> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
            println!("|{}|", rules.join("|"));
        }
    }
}

/// A time in milliseconds, to three digits.
pub fn millis(time: Duration) -> String {
    digits(time.as_secs_f64() * 1000.0, "ms")
}

/// A size in megabytes of 10⁶ bytes, to three digits.
pub fn megabytes(bytes: u64) -> String {
    digits(bytes as f64 / 1e6, "MB")
}

/// A ratio, to three digits.
pub fn times(ratio: f64) -> String {
    digits(ratio, "×")
}

fn digits(value: f64, unit: &str) -> String {
    match value {
        100.0.. => format!("{value:.0} {unit}"),
        10.0.. => format!("{value:.1} {unit}"),
        _ => format!("{value:.2} {unit}"),
    }
}
