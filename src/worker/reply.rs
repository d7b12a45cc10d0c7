//! What a parent believes of what a worker says.

use super::Hash;
use super::frame::{Frame, Reader, Torn};
use super::message::{End, Hello, Message, Said, Step};
use crate::outcome::DumpOutcome;

/// Something a worker said that is as it should be.
#[derive(Debug)]
pub enum Event {
    /// It is ready.
    Hello(Hello),
    /// It is so far.
    Step(Step),
    /// One dump or member came to this.
    Outcome(Box<DumpOutcome>),
    /// That was all.
    End(End),
}

/// What is due from a worker.
#[derive(Debug, Default)]
pub struct Listener {
    reader: Reader,
    due: Due,
}

#[derive(Debug, Default)]
enum Due {
    /// That it is ready.
    #[default]
    Hello,
    /// Nothing: it was asked nothing.
    Silence,
    /// An answer about this file, of which so many outcomes came.
    Answer {
        number: u64,
        hash: Hash,
        outcomes: u64,
    },
}

impl Listener {
    /// Expects an answer about file `number`, with the hash if that is asked for.
    pub fn expect(&mut self, number: u64, hash: Hash) {
        self.due = Due::Answer {
            number,
            hash,
            outcomes: 0,
        };
    }

    /// Bytes that arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.reader.push(bytes);
    }

    /// The next thing said; `None` if not all of it is there yet.
    ///
    /// # Errors
    /// When it is not what was due: nothing that this worker said of the file is worth anything then.
    pub fn next(&mut self) -> Result<Option<Event>, Torn> {
        match self.reader.next()? {
            None => Ok(None),
            Some(frame) => self.event(&frame).map(Some).ok_or(Torn),
        }
    }

    fn event(&mut self, frame: &Frame) -> Option<Event> {
        match (frame.kind, &mut self.due) {
            (Hello::KIND, Due::Hello) => {
                self.due = Due::Silence;
                Hello::of(frame).map(Event::Hello)
            }
            (Step::KIND, Due::Answer { .. }) => Step::of(frame).map(Event::Step),
            (
                Said::KIND,
                Due::Answer {
                    number, outcomes, ..
                },
            ) => {
                let said = Said::of(frame).filter(|said| said.number == *number)?;
                *outcomes += 1;
                Some(Event::Outcome(Box::new(said.outcome)))
            }
            (
                End::KIND,
                Due::Answer {
                    number,
                    hash,
                    outcomes,
                },
            ) => {
                // A file of which nothing was said is not clean; a hash is there when asked for and the file was read.
                let is_due = |end: &End| {
                    let wants_hash = *hash == Hash::Sha256 && end.size.is_some();
                    end.number == *number
                        && end.outcomes == *outcomes
                        && *outcomes > 0
                        && end.sha256.is_some() == wants_hash
                        && self.reader.is_empty()
                };
                let end = End::of(frame).filter(is_due)?;
                self.due = Due::Silence;
                Some(Event::End(end))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::Writer;
    use super::super::wire::{read, written};
    use super::*;
    use crate::error::Error;
    use crate::policy::Policy;
    use crate::scan::Scanner;
    use crate::source::Source;
    use proptest::prelude::*;
    use std::path::{Path, PathBuf};
    use std::sync::OnceLock;

    /// Bytes of the outcome of a scan that finds keys, and what it is in words.
    fn outcome() -> &'static (Vec<u8>, String) {
        static OUTCOME: OnceLock<(Vec<u8>, String)> = OnceLock::new();
        OUTCOME.get_or_init(|| {
            let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keys");
            let mut dump = Vec::new();
            for name in ["rsa2048.cert.pem", "rsa2048.pkcs1.pem", "p256.sec1.der"] {
                dump.extend(std::fs::read(keys.join(name)).unwrap());
                dump.extend([0; 100]);
            }
            // The head of a 7z archive, for a note.
            dump.extend(b"7z\xbc\xaf\x27\x1c\0\x04");
            dump.extend([0; 100]);
            let scanner = Scanner::builder().threads(1).hash(true).build().unwrap();
            let mut outcome = scanner.scan(PathBuf::new(), &Source::from_bytes(dump), &());
            assert!(outcome.findings.len() >= 2 && !outcome.public_keys.is_empty());
            let bytes = written(&outcome);
            Policy::default().judge(&mut outcome);
            (bytes, format!("{outcome:?}"))
        })
    }

    #[test]
    fn an_outcome_comes_back_as_it_was() {
        let (bytes, words) = outcome();
        let mut again: DumpOutcome = read(bytes).unwrap();
        Policy::default().judge(&mut again);
        assert_eq!(format!("{again:?}"), *words);

        let error = Error::io("open", std::io::Error::from_raw_os_error(13));
        let unopened = DumpOutcome::unopened(PathBuf::new(), error.at_path(Path::new("a")));
        let again: DumpOutcome = read(&written(&unopened)).unwrap();
        assert_eq!(format!("{again:?}"), format!("{unopened:?}"));
    }

    #[test]
    fn an_outcome_that_contradicts_itself_is_none() {
        let sound = || read::<DumpOutcome>(&outcome().0).unwrap();
        let mut more = sound();
        more.coverage.scanned = more.coverage.bytes + 1;
        let mut other = sound();
        other.size += 1;
        let mut unopened = sound();
        unopened.verdict = crate::outcome::Verdict::Unopened;
        for lie in [more, other, unopened] {
            assert!(read::<DumpOutcome>(&written(&lie)).is_none());
        }
    }

    /// What a listener that expects file 7 with its hash makes of these messages.
    fn heard(messages: &[(u8, Vec<u8>)]) -> Result<Vec<Event>, Torn> {
        let mut writer = Writer::default();
        let mut listener = Listener::default();
        let hello = Hello(Vec::new()).content();
        listener.push(&writer.frame(hello.0, &hello.1).unwrap());
        assert!(matches!(listener.next(), Ok(Some(Event::Hello(_)))));
        listener.expect(7, Hash::Sha256);
        for (kind, content) in messages {
            listener.push(&writer.frame(*kind, content).unwrap());
        }
        let mut events = Vec::new();
        while let Some(event) = listener.next()? {
            events.push(event);
        }
        Ok(events)
    }

    fn said(number: u64) -> (u8, Vec<u8>) {
        let mut content = written(&number);
        content.extend(&outcome().0);
        (Said::KIND, content)
    }

    fn end() -> End {
        End {
            number: 7,
            outcomes: 1,
            size: Some(1),
            sha256: Some([1; 32]),
        }
    }

    #[test]
    fn only_the_whole_answer_to_the_question_is_believed() {
        let step = Step::Advance(3).content();
        let events = heard(&[step, said(7), end().content()]).unwrap();
        assert!(matches!(
            events[..],
            [Event::Step(_), Event::Outcome(_), Event::End(_)]
        ));

        let lies: Vec<Vec<(u8, Vec<u8>)>> = vec![
            // Of another file.
            vec![said(6)],
            vec![said(7), End { number: 6, ..end() }.content()],
            // Of nothing at all.
            vec![
                End {
                    outcomes: 0,
                    ..end()
                }
                .content(),
            ],
            // Of more or less than was said.
            vec![
                said(7),
                End {
                    outcomes: 2,
                    ..end()
                }
                .content(),
            ],
            vec![said(7), said(7), end().content()],
            // Without the hash.
            vec![
                said(7),
                End {
                    sha256: None,
                    ..end()
                }
                .content(),
            ],
            // Twice, or with more behind it.
            vec![said(7), end().content(), end().content()],
            vec![said(7), end().content(), Step::Advance(1).content()],
            // Out of turn, or no message.
            vec![Hello(Vec::new()).content()],
            vec![(99, Vec::new())],
            vec![(Said::KIND, vec![7])],
        ];
        for lie in lies {
            assert!(heard(&lie).is_err());
        }
        // A file that could not be opened has none.
        let unread = End {
            size: None,
            sha256: None,
            ..end()
        };
        assert!(heard(&[said(7), unread.content()]).is_ok());
    }

    proptest! {
        #[test]
        fn a_part_of_an_answer_is_no_answer(cut in any::<prop::sample::Index>()) {
            let mut writer = Writer::default();
            let mut bytes = Vec::new();
            for (kind, content) in [Hello(Vec::new()).content(), said(7), end().content()] {
                bytes.extend(writer.frame(kind, &content).unwrap());
            }
            let mut listener = Listener::default();
            listener.push(&bytes[..cut.index(bytes.len())]);
            let mut is_asked = false;
            while let Ok(Some(event)) = listener.next() {
                prop_assert!(!matches!(event, Event::End(_)));
                if !is_asked {
                    listener.expect(7, Hash::Sha256);
                    is_asked = true;
                }
            }
        }

        #[test]
        fn arbitrary_bytes_are_no_answer(bytes in prop::collection::vec(any::<u8>(), 0..600), is_framed: bool, kind in 0u8..8) {
            if is_framed {
                let events = heard(&[(kind, bytes)]).unwrap_or_default();
                let is_answer = |event: &Event| matches!(event, Event::End(_) | Event::Outcome(_));
                prop_assert!(!events.iter().any(is_answer));
            } else {
                let mut listener = Listener::default();
                listener.expect(7, Hash::None);
                listener.push(&bytes);
                prop_assert!(!matches!(listener.next(), Ok(Some(_))));
            }
        }

        #[test]
        fn a_changed_outcome_never_panics(at in any::<prop::sample::Index>(), byte: u8, cut in any::<prop::sample::Index>()) {
            let mut bytes = outcome().0.clone();
            prop_assert!(read::<DumpOutcome>(&bytes[..cut.index(bytes.len())]).is_none());
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Some(mut outcome) = read::<DumpOutcome>(&bytes) {
                Policy::default().judge(&mut outcome);
            }
        }
    }
}
