//! Base64 in lines, each perhaps with padding of its own, as bytes.

use super::stream::{Stream, damaged};
use std::io::{self, Read};

/// Decodes lines of base64; blanks are passed over. Ends with the data, or with the first line that `is_over`.
pub struct Base64Lines<'d> {
    data: &'d [u8],
    at: usize,
    is_over: fn(&[u8]) -> bool,
    /// Decoded bytes not read yet: at most [`CHUNK`] of them.
    ready: Vec<u8>,
    given: usize,
    /// Bits of a group that is not full: their number, and they.
    bits: (u32, u32),
    /// Characters of the group of four, padding counted.
    group: u8,
    /// The last one was padding; until the line ends nothing else may follow.
    is_padded: bool,
}

impl<'d> Base64Lines<'d> {
    /// Over `data`; a line of which `is_over` says so is none of it.
    pub fn new(data: &'d [u8], is_over: fn(&[u8]) -> bool) -> Self {
        Self {
            data,
            at: 0,
            is_over,
            ready: Vec::new(),
            given: 0,
            bits: (0, 0),
            group: 0,
            is_padded: false,
        }
    }

    /// The data ends, or what is over begins: in the middle of a group that is damage.
    fn end(&self) -> io::Result<()> {
        match self.group == 0 || !self.ready.is_empty() {
            true => Ok(()),
            false => Err(damaged(
                "a number of characters that is no multiple of four",
            )),
        }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.given = 0;
        while self.ready.len() < CHUNK {
            let rest = self.data.get(self.at..).unwrap_or_default();
            let is_new = self.at == 0 || self.data.get(self.at - 1) == Some(&b'\n');
            if rest.is_empty() || (is_new && (self.is_over)(rest)) {
                return self.end();
            }
            // A line, or as much of a long one as fits.
            let window = rest.get(..CHUNK).unwrap_or(rest);
            let length = memchr::memchr(b'\n', window).map_or(window.len(), |end| end + 1);
            let line = rest.get(..length).unwrap_or_default();
            for (index, &character) in line.iter().enumerate() {
                if let Err(error) = self.take(character) {
                    self.at += index;
                    return match self.ready.is_empty() {
                        true => Err(error),
                        // What came before is given first; then the error again.
                        false => Ok(()),
                    };
                }
            }
            self.at += length;
        }
        Ok(())
    }

    fn take(&mut self, character: u8) -> io::Result<()> {
        let value = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' if self.group >= 2 => {
                self.bits = (0, 0);
                self.group = (self.group + 1) % 4;
                self.is_padded = true;
                return Ok(());
            }
            b'\n' => {
                self.is_padded &= self.group != 0;
                return Ok(());
            }
            b' ' | b'\t' | b'\r' => return Ok(()),
            _ => return Err(damaged("a character that is no base64")),
        };
        if self.is_padded {
            return Err(damaged("base64 that goes on behind its padding"));
        }
        self.group = (self.group + 1) % 4;
        let (number, bits) = self.bits;
        let (number, bits) = (number + 6, bits << 6 | u32::from(value));
        if number >= 8 {
            self.ready.push((bits >> (number - 8)) as u8);
            self.bits = (number - 8, bits & ((1 << (number - 8)) - 1));
        } else {
            self.bits = (number, bits);
        }
        Ok(())
    }
}

impl Read for Base64Lines<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.ready.len() {
            self.refill()?;
        }
        let read = self
            .ready
            .get(self.given..)
            .unwrap_or_default()
            .read(buffer)?;
        self.given += read;
        Ok(read)
    }
}

impl Stream for Base64Lines<'_> {
    fn consumed(&self) -> u64 {
        self.at as u64
    }
}

/// Bytes decoded at a time.
const CHUNK: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(data: &[u8]) -> (Vec<u8>, u64, bool) {
        let is_over = |line: &[u8]| !line.starts_with(b" ");
        let mut lines = Base64Lines::new(data, is_over);
        let mut out = Vec::new();
        let is_whole = lines.read_to_end(&mut out).is_ok();
        (out, lines.consumed(), is_whole)
    }

    #[test]
    fn lines_have_padding_of_their_own() {
        assert_eq!(
            read(b" YQ==\n YmM=\r\n ZGVm\nNext: x"),
            (b"abcdef".to_vec(), 19, true)
        );
        assert_eq!(read(b" YWJj ZGVm"), (b"abcdef".to_vec(), 10, true));
        assert_eq!(read(b""), (Vec::new(), 0, true));
    }

    #[test]
    fn what_stands_before_damage_is_read() {
        assert_eq!(read(b" YWJj\n !!!!\n"), (b"abc".to_vec(), 7, false));
        // A character lost, one too many for padding, padding in the middle and at the start.
        assert_eq!(read(b" YWJjZGV\n"), (b"abcde".to_vec(), 9, false));
        assert_eq!(read(b" YWJjZ\n"), (b"abc".to_vec(), 7, false));
        assert_eq!(read(b" YW==YWJj\n"), (b"a".to_vec(), 5, false));
        assert_eq!(read(b" =YWJj\n"), (b"".to_vec(), 1, false));
        assert_eq!(read(b" YWJjYQ=\n"), (b"abca".to_vec(), 9, false));
    }

    #[test]
    fn a_long_line_is_read_in_parts() {
        let data = b" YWJj".repeat(50_000);
        assert_eq!(read(&data).0, b"abc".repeat(50_000));
    }
}
