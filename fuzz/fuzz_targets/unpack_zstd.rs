//! Opening a zstd container.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| dumpgate_fuzz::unpack("zstd", data));
