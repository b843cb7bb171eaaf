//! Lines cut into parts, so that a change of one line changes one part, wherever lines are added.

use crate::error::Result;
use flate2::Crc;

/// A line ends a part if these bits of its checksum are zero: about one of 4,096 does.
const BITS: u32 = 0xfff;
/// A part never grows much beyond this, in bytes.
const LONGEST: usize = 4 << 20;

/// Passes on parts as they are complete.
pub(super) struct Cutter<F> {
    part: String,
    take: F,
}

impl<F: FnMut(String) -> Result<()>> Cutter<F> {
    pub(super) fn new(take: F) -> Self {
        Self { part: String::new(), take }
    }

    pub(super) fn add(&mut self, line: &str) -> Result<()> {
        self.part.push_str(line);
        self.part.push('\n');
        let mut checksum = Crc::new();
        checksum.update(line.as_bytes());
        if checksum.sum() & BITS == 0 || self.part.len() >= LONGEST {
            return (self.take)(std::mem::take(&mut self.part));
        }
        Ok(())
    }

    /// Passes on what is left.
    pub(super) fn finish(mut self) -> Result<()> {
        if self.part.is_empty() { Ok(()) } else { (self.take)(self.part) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn cut(lines: impl Iterator<Item = String>) -> Vec<String> {
        let mut parts = Vec::new();
        let mut cutter = Cutter::new(|part| {
            parts.push(part);
            Ok(())
        });
        lines.for_each(|line| cutter.add(&line).unwrap());
        cutter.finish().unwrap();
        parts
    }

    #[test]
    fn one_more_line_changes_one_part() {
        let line = |number: u32| format!("[{number},\"line\"]");
        let before = cut((0..100_000).map(line));
        let after = cut((0..100_000).flat_map(|number| {
            let more = (number == 50_000).then(|| "[50000,\"one more\"]".to_owned());
            std::iter::once(line(number)).chain(more)
        }));
        assert!(before.len() > 10, "{}", before.len());
        let known: HashSet<&String> = before.iter().collect();
        assert_eq!(after.iter().filter(|part| !known.contains(part)).count(), 1);
        assert_eq!(before.concat(), (0..100_000).map(|number| line(number) + "\n").collect::<String>());
    }

    #[test]
    fn a_part_has_an_end() {
        let long = "x".repeat(LONGEST / 3);
        assert!(cut(std::iter::repeat_n(long, 10)).iter().all(|part| part.len() < 2 * LONGEST));
        assert!(cut(std::iter::empty()).is_empty());
    }
}
