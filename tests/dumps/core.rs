//! A small writer of ELF cores of any class, byte order and machine. It is ours because the reader stands on the
//! `object` crate: a writer from the same crate could share its mistakes, and would not write lies.

/// A core in the making.
#[derive(Clone)]
pub struct Core {
    pub is_64: bool,
    pub big: bool,
    pub machine: u16,
    /// Notes: owner, type, contents.
    pub notes: Vec<(&'static str, u32, Vec<u8>)>,
    /// Memory: address, contents, size in memory, flags.
    pub loads: Vec<(u64, Vec<u8>, u64, u32)>,
    /// `e_phnum` is 0xffff and section header 0 holds the number.
    pub extended: bool,
}

pub const RW: u32 = 6;
pub const RX: u32 = 5;

impl Core {
    pub fn new(is_64: bool, big: bool, machine: u16) -> Self {
        Self {
            is_64,
            big,
            machine,
            notes: Vec::new(),
            loads: Vec::new(),
            extended: false,
        }
    }

    /// Size of a program header in bytes.
    pub fn header_size(&self) -> usize {
        if self.is_64 { 56 } else { 32 }
    }

    /// Size of the file header in bytes.
    pub fn start(&self) -> usize {
        if self.is_64 { 64 } else { 52 }
    }

    pub fn number(&self, value: u64, size: usize) -> Vec<u8> {
        match self.big {
            true => value.to_be_bytes()[8 - size..].to_vec(),
            false => value.to_le_bytes()[..size].to_vec(),
        }
    }

    fn word(&self, value: u64) -> Vec<u8> {
        self.number(value, if self.is_64 { 8 } else { 4 })
    }

    /// Adds a thread whose stack pointer is register `register` of its NT_PRSTATUS.
    pub fn thread(&mut self, id: u32, register: usize, pointer: u64) -> &mut Self {
        let (id_at, registers_at, word) = if self.is_64 {
            (32, 112, 8)
        } else {
            (24, 72, 4)
        };
        let mut status = vec![0; registers_at + 50 * word];
        status[id_at..id_at + 4].copy_from_slice(&self.number(u64::from(id), 4));
        let at = registers_at + register * word;
        status[at..at + word].copy_from_slice(&self.word(pointer));
        self.notes.push(("CORE", 1, status));
        self
    }

    /// Adds an NT_PRPSINFO; `owner_size` is that of `pr_uid`, 2 or 4.
    pub fn process(&mut self, id: u32, name: &str, owner_size: usize) -> &mut Self {
        let mut info = self.number(0, 4);
        if self.is_64 {
            info.extend(vec![0; 4]);
        }
        info.extend(self.word(0));
        info.extend(vec![0; 2 * owner_size]);
        info.extend(self.number(u64::from(id), 4));
        info.extend(vec![0; 12]);
        let mut fixed = name.as_bytes().to_vec();
        fixed.resize(16 + 80, 0);
        info.extend(fixed);
        self.notes.push(("CORE", 3, info));
        self
    }

    /// Adds an NT_FILE: start, end, offset in pages, name.
    pub fn files(&mut self, files: &[(u64, u64, u64, &str)]) -> &mut Self {
        let mut table = [self.word(files.len() as u64), self.word(4096)].concat();
        for &(start, end, pages, _) in files {
            table.extend([self.word(start), self.word(end), self.word(pages)].concat());
        }
        for (.., name) in files {
            table.extend(name.as_bytes());
            table.push(0);
        }
        self.notes.push(("CORE", 0x4649_4c45, table));
        self
    }

    /// Adds an NT_AUXV with AT_ENTRY.
    pub fn entry_point(&mut self, address: u64) -> &mut Self {
        let vector = [6, 4096, 9, address, 0, 0]
            .map(|value| self.word(value))
            .concat();
        self.notes.push(("CORE", 6, vector));
        self
    }

    pub fn load(&mut self, va: u64, contents: Vec<u8>, flags: u32) -> &mut Self {
        let size = contents.len() as u64;
        self.loads.push((va, contents, size, flags));
        self
    }

    /// A program header.
    pub fn program_header(
        &self,
        kind: u32,
        flags: u32,
        offset: u64,
        va: u64,
        sizes: (u64, u64),
    ) -> Vec<u8> {
        let flags = self.number(u64::from(flags), 4);
        let kind = self.number(u64::from(kind), 4);
        let (offset, va, paddr) = (self.word(offset), self.word(va), self.word(0));
        let (file, memory, align) = (self.word(sizes.0), self.word(sizes.1), self.word(1));
        match self.is_64 {
            true => [kind, flags, offset, va, paddr, file, memory, align].concat(),
            false => [kind, offset, va, paddr, file, memory, flags, align].concat(),
        }
    }

    fn note_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (owner, kind, contents) in &self.notes {
            bytes.extend(self.number(owner.len() as u64 + 1, 4));
            bytes.extend(self.number(contents.len() as u64, 4));
            bytes.extend(self.number(u64::from(*kind), 4));
            for part in [format!("{owner}\0").as_bytes(), contents] {
                bytes.extend(part);
                bytes.resize(bytes.len().next_multiple_of(4), 0);
            }
        }
        bytes
    }

    /// The file: header, program headers, notes, memory, and section header 0 if the number is extended.
    pub fn finish(&self) -> Vec<u8> {
        let count = self.loads.len() + 1;
        let notes = self.note_bytes();
        let mut offset = (self.start() + count * self.header_size()) as u64;
        let mut table = self.program_header(4, 0, offset, 0, (notes.len() as u64, 0));
        offset += notes.len() as u64;
        for (va, contents, memory, flags) in &self.loads {
            table.extend(self.program_header(
                1,
                *flags,
                offset,
                *va,
                (contents.len() as u64, *memory),
            ));
            offset += contents.len() as u64;
        }
        let (section_size, section_at) = if self.is_64 {
            (64, offset)
        } else {
            (40, offset)
        };
        let (phnum, shoff, shnum) = if self.extended {
            (0xffff, section_at, 1)
        } else {
            (count as u64, 0, 0)
        };
        let class = if self.is_64 { 2 } else { 1 };
        let order = if self.big { 2 } else { 1 };
        let mut file = [&b"\x7fELF"[..], &[class, order, 1], &[0; 9]].concat();
        file.extend(
            [
                self.number(4, 2),
                self.number(u64::from(self.machine), 2),
                self.number(1, 4),
            ]
            .concat(),
        );
        file.extend(
            [
                self.word(0),
                self.word(self.start() as u64),
                self.word(shoff),
                self.number(0, 4),
            ]
            .concat(),
        );
        let shorts = [
            self.start() as u64,
            self.header_size() as u64,
            phnum,
            section_size,
            shnum,
            0,
        ];
        file.extend(shorts.map(|value| self.number(value, 2)).concat());
        assert_eq!(file.len(), self.start());
        file.extend(table);
        file.extend(notes);
        for (_, contents, ..) in &self.loads {
            file.extend(contents);
        }
        if self.extended {
            // sh_info is the 4 bytes before sh_addralign and sh_entsize.
            let mut section = vec![0; section_size as usize];
            let at = section.len() - if self.is_64 { 20 } else { 12 };
            section[at..at + 4].copy_from_slice(&self.number(count as u64, 4));
            file.extend(section);
        }
        file
    }
}
