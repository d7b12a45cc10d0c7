//! The detector `text.base64-pem`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| dumpgate_fuzz::detector("text.base64-pem", data));
