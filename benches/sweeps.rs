//! How fast the sweeps are that look for keys no anchor announces: one module for each stage.

use criterion::Criterion;
use std::env;
use std::time::Duration;

#[path = "sweeps/rsa.rs"]
mod rsa;

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    rsa::bench(&mut criterion);
    criterion.final_summary();
    if !env::args().any(|argument| argument == "--test" || argument == "--list") {
        rsa::ratios();
    }
}
