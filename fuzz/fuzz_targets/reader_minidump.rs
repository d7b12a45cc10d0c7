//! The reader of `minidump`, also of files it would not sniff.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| dumpgate_fuzz::reader("minidump", data));
