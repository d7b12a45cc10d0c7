//! scratch
use dumpgate::sweep::codec::Class;
use dumpgate::sweep::runs::each_run;
use dumpgate::sweep::space::Block;
use dumpgate::sweep::windows::{Shape, Sought};
fn main() {
    let path = std::env::args().nth(1).unwrap();
    let data = std::fs::read(path).unwrap();
    for (bits, shape) in [
        (1024, Shape::Prime),
        (1024, Shape::Exponent),
        (2048, Shape::Exponent),
        (512, Shape::Prime),
        (683, Shape::Prime),
    ] {
        let sought = Sought::new(bits, shape);
        let mut counts = vec![0usize; 15];
        let mut loaded = vec![0usize; 15];
        let mut limbs = vec![0u64; 32];
        let t = std::time::Instant::now();
        let mut runs = [0usize; 5];
        for (i, chunk) in data.chunks(1 << 20).enumerate() {
            let block = Block {
                bytes: chunk,
                own: 0..chunk.len(),
                address: Some((i as u64) << 20),
                is_module: false,
                pointer: 8,
            };
            each_run(&block, &Class::ALL, 512, |class, run| {
                runs[class as usize] += run.len();
                sought.each(&block, (class, &run), &(0..chunk.len()), |form, at| {
                    counts[form] += 1;
                    if sought.load(&sought.forms()[form], chunk, at, &mut limbs) {
                        loaded[form] += 1;
                    }
                });
            });
        }
        println!("{bits} {shape:?} {:?} {runs:?}", t.elapsed());
        for (f, (n, l)) in sought.forms().iter().zip(counts.iter().zip(&loaded)) {
            println!("  {} {} {}", f.codec.name, n, l);
        }
    }
}
