//! The detector `windows.cng-rsa`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| dumpgate_fuzz::detector("windows.cng-rsa", data));
