//! The detector `der.pkcs8-encrypted`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| dumpgate_fuzz::detector("der.pkcs8-encrypted", data));
