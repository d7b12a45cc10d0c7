//! The reader of `elf-core`, also of files it would not sniff.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| dumpgate_fuzz::reader("elf-core", data));
