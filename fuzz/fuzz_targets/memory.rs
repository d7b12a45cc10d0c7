//! Tiling and stitching of memory, whatever the labels.
#![no_main]

use dumpgate_fuzz::memory::{Input, tile_and_stitch};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: Input| tile_and_stitch(input));
