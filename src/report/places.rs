//! Where a key lies, as people read it.

use crate::finding::{Fragment, Owner, OwnerKind, Piece, Place, REMAINS, WHOLE};
use crate::text::printable;

/// A line for each place that is shown, and how many are not. What lies there is told where it is not always the
/// whole key.
pub fn lines(places: &[Place]) -> (Vec<String>, usize) {
    let (places, left_out) = chosen(places);
    let is_whole = places.iter().all(|place| component(place) == WHOLE);
    let rows: Vec<[String; 5]> = places.into_iter().map(row).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(String::len).max().unwrap_or(0)
    };
    let [component, form, offset, length] = [0, 1, 2, 3].map(width);
    let line = |[name, a, b, c, d]: &[String; 5]| {
        let line = format!("{a:<form$}  {b:<offset$}  {c:>length$}  {d}");
        match is_whole {
            true => line,
            false => format!("{name:<component$}  {line}"),
        }
    };
    (rows.iter().map(line).collect(), left_out)
}

/// What lies there: the whole key, as much as is left of it, or one of its numbers.
fn component(place: &Place) -> &'static str {
    match place.component {
        // How much is left stands beside it.
        REMAINS => WHOLE,
        component => component,
    }
}

/// The places that are shown: those of one component together, whole keys first, then in the order in which the
/// components occur; and how many are not. Where they are too many, each component has its share.
fn chosen(places: &[Place]) -> (Vec<&Place>, usize) {
    let mut groups: Vec<(&str, Vec<&Place>)> = Vec::new();
    for place in places {
        let name = component(place);
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, group)) => group.push(place),
            None => groups.push((name, vec![place])),
        }
    }
    groups.sort_by_key(|(name, _)| *name != WHOLE);
    let share = (1..=MAX_ROWS)
        .rev()
        .find(|share| {
            let shown = groups.iter().map(|(_, group)| group.len().min(*share));
            shown.sum::<usize>() <= MAX_ROWS
        })
        .unwrap_or(1);
    let shown: Vec<&Place> = groups
        .into_iter()
        .flat_map(|(_, group)| group.into_iter().take(share))
        .collect();
    let left_out = places.len() - shown.len();
    (shown, left_out)
}

/// Component, form, place, length, owner.
fn row(place: &Place) -> [String; 5] {
    let length: u64 = place.pieces.iter().map(|piece| piece.length).sum();
    let pieces = match place.pieces.len() {
        0 | 1 => String::new(),
        number => format!(" in {number} pieces"),
    };
    let at = place
        .pieces
        .iter()
        .take(MAX_PIECES)
        .map(position)
        .collect::<Vec<_>>()
        .join(" then ");
    let form = match place.encoding {
        "raw" | "ascii" => place.form.to_owned(),
        encoding => format!("{} in {encoding}", place.form),
    };
    [
        component(place).to_owned(),
        form,
        at,
        match place.fragment {
            Some(Fragment {
                present,
                expected: Some(expected),
            }) => format!("fragment, {present} of {expected} bytes{pieces}"),
            Some(Fragment { present, .. }) => format!("fragment, {present} bytes{pieces}"),
            None => format!("{length} bytes{pieces}"),
        },
        owner(&place.owner),
    ]
}

/// What lies at a place, in one line without the offsets: component, form, length, owner.
pub fn words(place: &Place) -> String {
    let [component, form, _, length, owner] = row(place);
    [component, form, length, owner].join(", ")
}

fn position(piece: &Piece) -> String {
    match piece.va {
        Some(va) => format!("offset {:#x}, address {va:#x}", piece.offset),
        None => format!("offset {:#x}", piece.offset),
    }
}

/// Who owns the memory there.
pub fn owner(owner: &Owner) -> String {
    let name = printable(&owner.name);
    match owner.kind {
        OwnerKind::Stack => format!("stack of {name}"),
        OwnerKind::Heap => "heap".to_owned(),
        OwnerKind::Private => "private memory".to_owned(),
        OwnerKind::Module => format!("module {name}"),
        OwnerKind::Stream => format!("stream {name}"),
        OwnerKind::Header => format!("header {name}"),
        OwnerKind::Gap => "gap between the dump's structures".to_owned(),
        OwnerKind::Raw => "raw bytes".to_owned(),
    }
}

/// Places shown of one key.
pub const MAX_ROWS: usize = 20;

/// Pieces shown of one place.
const MAX_PIECES: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Proof;

    fn place(component: &'static str, offset: u64) -> Place {
        Place {
            form: "raw.limbs-le",
            component,
            fragment: None,
            encoding: "raw",
            proof: Proof::Arithmetic,
            pieces: vec![Piece {
                offset,
                length: 128,
                va: None,
            }],
            owner: Owner {
                kind: OwnerKind::Heap,
                name: String::new(),
            },
        }
    }

    #[test]
    fn many_places_hide_no_component() {
        let mut places: Vec<Place> = (0..40).map(|at| place("prime", 512 * at)).collect();
        places.push(place("private-exponent", 0x9000));
        places.push(place("fragment", 0xa000));
        places.push(place("prime", 0xb000));
        let (shown, left_out) = chosen(&places);
        let names: Vec<&str> = shown.iter().map(|place| component(place)).collect();
        let expected = [vec!["key"], vec!["prime"; 18], vec!["private-exponent"]].concat();
        assert_eq!(names, expected);
        assert_eq!(left_out, 23);
        let [few, left_out] = [chosen(&places[38..]).0.len(), chosen(&places[38..]).1];
        assert_eq!([few, left_out], [5, 0]);
        assert!(shown.is_sorted_by_key(|place| (component(place), place.pieces[0].offset)));
    }
}
