//! scratch
use dumpgate::sweep::codec::Class;
use dumpgate::sweep::runs::each_run;
use dumpgate::sweep::space::Block;
use dumpgate::sweep::windows::{Shape, Sought};
fn main() {
    let path = std::env::args().nth(1).unwrap();
    let data = std::fs::read(path).unwrap();
    let sought = Sought::new(1024, Shape::Exponent);
    let mut h = vec![(0usize, 0usize, 0usize); 24];
    for (i, chunk) in data.chunks(1 << 20).enumerate() {
        let block = Block {
            bytes: chunk,
            own: 0..chunk.len(),
            address: Some((i as u64) << 20),
            is_module: false,
            pointer: 8,
        };
        each_run(&block, &Class::ALL, 512, |class, run| {
            if class == Class::Random {
                let e = &mut h[run.len().ilog2() as usize];
                e.0 += 1;
                e.1 += run.len();
                sought.each(&block, (class, &run), &(0..chunk.len()), |form, _at| {
                    if form == 1 {
                        e.2 += 1;
                    }
                });
            }
        });
    }
    for (i, e) in h.iter().enumerate() {
        if e.0 > 0 {
            println!("{} {:?}", 1 << i, e);
        }
    }
}
