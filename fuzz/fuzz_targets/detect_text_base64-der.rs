//! The detector `text.base64-der`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| dumpgate_fuzz::detector("text.base64-der", data));
