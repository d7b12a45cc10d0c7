//! Who owns an address: a thread's stack, a module, the heap.

use crate::finding::{Owner, OwnerKind};
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
    /// Offset in the mapped file of the first address, in bytes.
    pub offset: u64,
    /// The file's name.
    pub name: String,
}

/// Owners of address ranges, sorted for look-up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners {
    threads: Vec<Thread>,
    modules: Vec<Module>,
    heaps: Vec<Range<u64>>,
}

impl Owners {
    /// Takes the lists in any order; where ranges overlap, the one that starts last before an address
    /// owns it.
    pub fn new(mut threads: Vec<Thread>, mut modules: Vec<Module>, mut heaps: Vec<Range<u64>>) -> Self {
        threads.sort_by_key(|thread| (thread.stack.as_ref().map(|stack| stack.start), thread.id));
        modules.sort_by_key(|module| (module.addresses.start, module.addresses.end));
        heaps.sort_by_key(|heap| heap.start);
        Self { threads, modules, heaps }
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
            return Owner { kind: OwnerKind::Stack, name };
        }
        if let Some(module) = self.module_at(va) {
            let offset = (va - module.addresses.start).saturating_add(module.offset);
            return Owner { kind: OwnerKind::Module, name: format!("{}+{offset:#x}", module.name) };
        }
        let is_heap = last_before(&self.heaps, va, |heap| heap.start).is_some_and(|heap| heap.contains(&va));
        let kind = if is_heap { OwnerKind::Heap } else { OwnerKind::Private };
        Owner { kind, name: String::new() }
    }

    /// The module mapped at `va`.
    pub fn module_at(&self, va: u64) -> Option<&Module> {
        last_before(&self.modules, va, |module| module.addresses.start).filter(|module| module.addresses.contains(&va))
    }

    fn stack_at(&self, va: u64) -> Option<&Thread> {
        let start = |thread: &Thread| thread.stack.as_ref().map_or(0, |stack| stack.start);
        last_before(&self.threads, va, start)
            .filter(|thread| thread.stack.as_ref().is_some_and(|stack| stack.contains(&va)))
    }
}

/// The last item that starts at or before `va`.
fn last_before<T>(sorted: &[T], va: u64, start: impl Fn(&T) -> u64) -> Option<&T> {
    let behind = sorted.partition_point(|item| start(item) <= va);
    sorted.get(behind.checked_sub(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_owner_wins() {
        let thread = |id, stack: Option<Range<u64>>| Thread { id, name: (id == 2).then(|| "signer".to_owned()), stack };
        let owners = Owners::new(
            vec![thread(2, Some(0x5000..0x6000)), thread(1, Some(0x7000..0x8000)), thread(3, None)],
            vec![Module { addresses: 0x1000..0x3000, offset: 0x100, name: "libx.so".to_owned() }],
            vec![0x9000..0xa000],
        );
        let kind = |va| (owners.of(va).kind, owners.of(va).name);
        assert_eq!(kind(0x5000), (OwnerKind::Stack, "thread 2 (signer)".to_owned()));
        assert_eq!(kind(0x7fff), (OwnerKind::Stack, "thread 1".to_owned()));
        assert_eq!(kind(0x2000), (OwnerKind::Module, "libx.so+0x1100".to_owned()));
        assert_eq!(kind(0x9fff).0, OwnerKind::Heap);
        assert_eq!(kind(0x3000).0, OwnerKind::Private);
        assert_eq!(kind(0).0, OwnerKind::Private);
        assert_eq!(kind(u64::MAX).0, OwnerKind::Private);
    }
}
