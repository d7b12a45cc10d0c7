//! Numbers of which the pages lie apart in the file.

use super::*;

#[test]
fn a_number_is_found_across_seams() {
    let key = ec(Curve::P384, 77);
    let copies = Copies::arm(std::slice::from_ref(&key)).unwrap();
    let number = &numbers(&key)[0];
    let page = 0x1000;
    for cut in 0..=number.bytes.len() {
        // Two pages that follow by address and lie the other way round in the file.
        let mut data = noise(2 * page, 3);
        let (high, low) = (&number.bytes[cut..], &number.bytes[..cut]);
        data[..high.len()].copy_from_slice(high);
        data[2 * page - cut..].copy_from_slice(low);
        let labels = vec![
            Label::memory(0, page as u64, 0x7000),
            Label::memory(page as u64, page as u64, 0x6000),
        ];
        let map = MemoryMap::tile(2 * page as u64, labels, Vec::new(), Owners::default());
        let sweep = copies.search(&Space::new(&data, &map, 8), &Covered::default());
        let whole: Vec<_> = sweep
            .sightings
            .iter()
            .filter(|swept| matches!(&swept.sighting, Sighting::Key(key) if key.fragment.is_none()))
            .collect();
        assert_eq!(whole.len(), 1, "cut at {cut}");
        let length: u64 = whole[0].pieces.iter().map(|piece| piece.length).sum();
        assert_eq!(length, number.bytes.len() as u64);
        for swept in &sweep.sightings {
            let is_inside = swept.pieces.iter().all(|piece| {
                whole[0].pieces.iter().any(|whole| {
                    whole.offset <= piece.offset
                        && piece.offset + piece.length <= whole.offset + whole.length
                })
            });
            assert!(is_inside, "cut at {cut}");
        }
    }
}

#[test]
fn memory_that_goes_on_elsewhere_is_not_read_on() {
    let key = ec(Curve::P256, 78);
    let copies = Copies::arm(std::slice::from_ref(&key)).unwrap();
    let number = &numbers(&key)[0];
    let mut data = noise(0x2000, 4);
    let at = 0x1000 - 20;
    data[at..at + number.bytes.len()].copy_from_slice(&number.bytes);
    let labels = vec![
        Label::memory(0, 0x1000, 0x7000),
        Label::memory(0x1000, 0x1000, 0x9000),
    ];
    let map = MemoryMap::tile(0x2000, labels, Vec::new(), Owners::default());
    let seen = search(&copies, &data, &map);
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].start, seen[0].end), (at, 0x1000));
    assert_eq!(seen[0].fragment, Some((20, number.bytes.len() as u64)));
}
