//! Lines of a file of any size.

use std::io::{self, BufRead, Read as _};

/// Longest line, in bytes: a user with fifty accounts and their tokens is shorter.
pub const MAX_LINE: usize = 1 << 20;

/// A line, without its end.
pub struct Line {
    /// Counted from 1.
    pub number: u64,
    /// How many bytes of the file are read with it.
    pub end: u64,
    /// None if it is longer than [`MAX_LINE`].
    pub bytes: Option<Vec<u8>>,
}

/// Reads one line after the other, and never holds more than the longest.
pub struct Lines<R> {
    reader: R,
    number: u64,
    offset: u64,
}

impl<R: BufRead> Lines<R> {
    pub fn new(reader: R) -> Self {
        Self { reader, number: 0, offset: 0 }
    }

    /// The next line that is not blank.
    pub fn next_line(&mut self) -> io::Result<Option<Line>> {
        loop {
            let mut bytes = Vec::new();
            let read = self.reader.by_ref().take(MAX_LINE as u64 + 1).read_until(b'\n', &mut bytes)?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            self.offset += read as u64;
            let is_whole = bytes.ends_with(b"\n") || read <= MAX_LINE;
            if !is_whole {
                self.skip_rest()?;
            }
            if self.number == 1 && bytes.starts_with(b"\xef\xbb\xbf") {
                bytes.drain(..3);
            }
            if is_whole && bytes.trim_ascii().is_empty() {
                continue;
            }
            return Ok(Some(Line { number: self.number, end: self.offset, bytes: is_whole.then_some(bytes) }));
        }
    }

    fn skip_rest(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.reader.fill_buf()?;
            let newline = buffer.iter().position(|byte| *byte == b'\n');
            let used = newline.map_or(buffer.len(), |at| at + 1);
            let is_end = newline.is_some() || buffer.is_empty();
            self.reader.consume(used);
            self.offset += used as u64;
            if is_end {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Vec<(u64, Option<Vec<u8>>)> {
        let mut lines = Lines::new(io::BufReader::with_capacity(7, text));
        let read: Vec<Line> = std::iter::from_fn(|| lines.next_line().unwrap()).collect();
        assert!(read.last().is_none_or(|line| line.end <= text.len() as u64));
        read.into_iter().map(|line| (line.number, line.bytes)).collect()
    }

    #[test]
    fn blank_lines_count_and_are_skipped() {
        let lines = read(b"\xef\xbb\xbf{}\r\n\n \t\r\n[]\n1");
        let expected = [(1, &b"{}\r\n"[..]), (4, b"[]\n"), (5, b"1")];
        assert_eq!(lines, expected.map(|(number, text)| (number, Some(text.to_vec()))));
        assert!(read(b"").is_empty());
    }

    #[test]
    fn an_endless_line_takes_no_memory_and_hides_no_other() {
        let long = vec![b'x'; MAX_LINE + 100];
        let lines = read(&[&long[..], b"\n{}\n", &long].concat());
        assert_eq!(lines, [(1, None), (2, Some(b"{}\n".to_vec())), (3, None)]);
        let longest = vec![b'x'; MAX_LINE];
        assert_eq!(read(&longest), [(1, Some(longest.clone()))]);
    }
}
