//! Who owns an address: a thread's stack, a module, the heap.

use super::nest::{Part, innermost, part_at};
use crate::finding::{Owner, OwnerKind};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::Range;

/// A thread of the dumped process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// The system's number for it.
    pub id: u64,
    /// Its name, where the dump knows it.
    pub name: Option<String>,
    /// Addresses of its stack, where known.
    pub stack: Option<Range<u64>>,
}

/// A mapped file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Addresses of the mapping.
    pub addresses: Range<u64>,
    /// Where the file's first byte is mapped, or would be: what debuggers count from. The lowest of those
    /// of all mappings of a name, since data is often mapped some pages further on.
    pub base: u64,
    /// The file's name.
    pub name: String,
}

/// Owners of address ranges, sorted for look-up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners {
    threads: Vec<Thread>,
    modules: Vec<Module>,
    /// Which thread, module or heap each address belongs to.
    stack_parts: Vec<Part>,
    module_parts: Vec<Part>,
    heap_parts: Vec<Part>,
    /// What the process may have written to, in order; empty where the format does not tell.
    writable: Vec<Range<u64>>,
}

impl Owners {
    /// Takes the lists in any order; where ranges overlap, the one that starts last before an address
    /// owns it, of two that start together the shorter.
    pub fn new(
        mut threads: Vec<Thread>,
        mut modules: Vec<Module>,
        mut heaps: Vec<Range<u64>>,
    ) -> Self {
        let order = |range: &Range<u64>| (range.start, Reverse(range.end));
        threads.sort_by_key(|thread| (thread.stack.as_ref().map(order), thread.id));
        modules.sort_by_key(|module| order(&module.addresses));
        heaps.sort_by_key(order);
        let mut bases: HashMap<String, u64> = HashMap::new();
        for module in &modules {
            let base = bases.entry(module.name.clone()).or_insert(module.base);
            *base = module.base.min(*base);
        }
        for module in &mut modules {
            module.base = bases.get(&module.name).copied().unwrap_or(module.base);
        }
        Self {
            stack_parts: innermost(
                threads
                    .iter()
                    .map(|thread| thread.stack.clone().unwrap_or(0..0)),
            ),
            module_parts: innermost(modules.iter().map(|module| module.addresses.clone())),
            heap_parts: innermost(heaps.iter().cloned()),
            threads,
            modules,
            writable: Vec::new(),
        }
    }

    /// The same, with the address ranges that the process could write to: they do not overlap.
    #[must_use]
    pub fn with_writable(mut self, mut writable: Vec<Range<u64>>) -> Self {
        writable.sort_unstable_by_key(|range| range.start);
        self.writable = writable;
        self
    }

    /// Whether the memory at `va` is known to be writable, as the data of a module is.
    pub fn is_writable(&self, va: u64) -> bool {
        let behind = self.writable.partition_point(|range| range.start <= va);
        let range = behind.checked_sub(1).and_then(|at| self.writable.get(at));
        range.is_some_and(|range| range.contains(&va))
    }

    /// The first address behind `va` where writable memory begins or ends.
    pub fn writable_border(&self, va: u64) -> Option<u64> {
        let next = self.writable.partition_point(|range| range.start <= va);
        let end = next
            .checked_sub(1)
            .and_then(|at| self.writable.get(at))
            .map(|range| range.end)
            .filter(|&end| end > va);
        let start = self.writable.get(next).map(|range| range.start);
        end.into_iter().chain(start).min()
    }

    /// Threads, by the address of their stack.
    pub fn threads(&self) -> &[Thread] {
        &self.threads
    }

    /// Mapped files, by address.
    pub fn modules(&self) -> &[Module] {
        &self.modules
    }

    /// The owner of the memory at `va`.
    pub fn of(&self, va: u64) -> Owner {
        if let Some(thread) = self.stack_at(va) {
            let name = match &thread.name {
                Some(name) if !name.is_empty() => format!("thread {} ({name})", thread.id),
                _ => format!("thread {}", thread.id),
            };
            return Owner {
                kind: OwnerKind::Stack,
                name,
            };
        }
        if let Some(module) = self.module_at(va) {
            let offset = va.saturating_sub(module.base);
            return Owner {
                kind: OwnerKind::Module,
                name: format!("{}+{offset:#x}", module.name),
            };
        }
        let kind = if part_at(&self.heap_parts, va).is_some() {
            OwnerKind::Heap
        } else {
            OwnerKind::Private
        };
        Owner {
            kind,
            name: String::new(),
        }
    }

    /// The module mapped at `va`.
    pub fn module_at(&self, va: u64) -> Option<&Module> {
        self.modules.get(part_at(&self.module_parts, va)?.index)
    }

    fn stack_at(&self, va: u64) -> Option<&Thread> {
        self.threads.get(part_at(&self.stack_parts, va)?.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_owner_wins() {
        let thread = |id, stack: Option<Range<u64>>| Thread {
            id,
            name: (id == 2).then(|| "signer".to_owned()),
            stack,
        };
        let owners = Owners::new(
            vec![
                thread(2, Some(0x5000..0x6000)),
                thread(1, Some(0x7000..0x8000)),
                thread(3, None),
            ],
            vec![Module {
                addresses: 0x1000..0x3000,
                base: 0x1000,
                name: "libx.so".to_owned(),
            }],
            std::iter::once(0x9000..0xa000).collect(),
        );
        let kind = |va| (owners.of(va).kind, owners.of(va).name);
        assert_eq!(
            kind(0x5000),
            (OwnerKind::Stack, "thread 2 (signer)".to_owned())
        );
        assert_eq!(kind(0x7fff), (OwnerKind::Stack, "thread 1".to_owned()));
        assert_eq!(
            kind(0x2000),
            (OwnerKind::Module, "libx.so+0x1000".to_owned())
        );
        assert_eq!(kind(0x9fff).0, OwnerKind::Heap);
        assert_eq!(kind(0x3000).0, OwnerKind::Private);
        assert_eq!(kind(0).0, OwnerKind::Private);
        assert_eq!(kind(u64::MAX).0, OwnerKind::Private);
    }

    #[test]
    fn writable_memory_is_told() {
        let owners = Owners::default();
        assert!(!owners.is_writable(5));
        let owners = owners.with_writable(vec![20..30, 5..10]);
        let writable: Vec<u64> = (0..40).filter(|&va| owners.is_writable(va)).collect();
        assert_eq!(writable, (5..10).chain(20..30).collect::<Vec<u64>>());
        let borders = [0, 5, 9, 10, 20, 30].map(|va| owners.writable_border(va));
        assert_eq!(
            borders,
            [Some(5), Some(10), Some(10), Some(20), Some(30), None]
        );
    }

    #[test]
    fn behind_an_inner_mapping_the_outer_one_goes_on() {
        let module = |addresses, name: &str| Module {
            base: 0x1000,
            addresses,
            name: name.to_owned(),
        };
        let owners = Owners::new(
            Vec::new(),
            vec![
                module(0x1000..0x2000, "inner"),
                module(0x1000..0x9000, "outer"),
                module(0x3000..0x4000, "inner"),
            ],
            Vec::new(),
        );
        let name = |va| owners.of(va).name;
        assert_eq!(name(0x1000), "inner+0x0");
        assert_eq!(name(0x2000), "outer+0x1000");
        assert_eq!(name(0x3fff), "inner+0x2fff");
        assert_eq!(name(0x4000), "outer+0x3000");
        assert_eq!(owners.of(0x9000).kind, OwnerKind::Private);
    }
}
