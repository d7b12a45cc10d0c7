//! A small writer of minidumps of either byte order, made for what `minidump-synth` does not write: big-endian
//! dumps, padded lists, lists that lie.

/// A minidump in the making. Offsets are those in the finished file.
pub struct Writer {
    pub big: bool,
    pub data: Vec<u8>,
    directory: Vec<(u32, u32, u32)>,
    streams: u32,
}

/// The directory stands right behind the header and has room for this many streams.
const ROOM: usize = 24;

impl Writer {
    pub fn new(big: bool) -> Self {
        Self {
            big,
            data: vec![0; 32 + 12 * ROOM],
            directory: Vec::new(),
            streams: 0,
        }
    }

    pub fn at(&self) -> u32 {
        self.data.len() as u32
    }

    pub fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes(&if self.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        })
    }

    pub fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&if self.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        })
    }

    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&if self.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        })
    }

    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.data.extend_from_slice(bytes);
        self
    }

    pub fn zeros(&mut self, count: usize) -> &mut Self {
        self.bytes(&vec![0; count])
    }

    /// A MINIDUMP_STRING; its offset.
    pub fn string(&mut self, text: &str) -> u32 {
        let at = self.at();
        self.u32(2 * text.encode_utf16().count() as u32);
        for unit in text.encode_utf16() {
            self.u16(unit);
        }
        self.u16(0);
        at
    }

    /// What `write` writes is a stream.
    pub fn stream(&mut self, kind: u32, write: impl FnOnce(&mut Self)) -> &mut Self {
        let at = self.at();
        write(self);
        let size = self.at() - at;
        self.entry(kind, size, at)
    }

    /// A directory entry that may lie.
    pub fn entry(&mut self, kind: u32, size: u32, at: u32) -> &mut Self {
        self.directory.push((kind, size, at));
        self.streams += 1;
        self
    }

    /// A module of the ModuleList.
    pub fn module(&mut self, base: u64, size: u32, name: u32) -> &mut Self {
        self.u64(base).u32(size).u32(0).u32(0).u32(name).zeros(84)
    }

    /// A thread of the ThreadList.
    pub fn thread(&mut self, id: u32, stack: (u64, u32, u32), context: (u32, u32)) -> &mut Self {
        self.u32(id)
            .zeros(20)
            .u64(stack.0)
            .u32(stack.1)
            .u32(stack.2)
            .u32(context.0)
            .u32(context.1)
    }

    /// The file, as of now.
    pub fn finish(&self) -> Vec<u8> {
        let mut head = Self {
            big: self.big,
            data: Vec::new(),
            directory: Vec::new(),
            streams: 0,
        };
        head.u32(0x504d_444d)
            .u32(0xa793)
            .u32(self.streams)
            .u32(32)
            .zeros(16);
        for &(kind, size, at) in &self.directory {
            head.u32(kind).u32(size).u32(at);
        }
        let mut data = self.data.clone();
        assert!(self.directory.len() <= ROOM);
        data[..head.data.len()].copy_from_slice(&head.data);
        data
    }
}
