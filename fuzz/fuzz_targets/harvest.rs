//! The search for public halves that nothing announces.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| dumpgate_fuzz::sweeps::public_halves(data));
