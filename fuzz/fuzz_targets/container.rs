//! The container table: what it recognises is no dump.
#![no_main]

use dumpgate::{dump, unpack};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some(container) = unpack::sniff(data) {
        assert!((container.sniff)(data));
        assert_eq!(dump::sniff(data).name(), "raw", "a {} that is a dump", container.name);
    }
});
