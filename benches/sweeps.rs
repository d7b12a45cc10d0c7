//! How fast the sweeps are that look for keys no anchor announces: one module for each stage.

mod common;
#[path = "sweeps/rsa.rs"]
mod rsa;

fn main() {
    let mut criterion = common::criterion(1);
    rsa::bench(&mut criterion);
    criterion.final_summary();
    if common::is_timed() {
        rsa::ratios();
    }
}
