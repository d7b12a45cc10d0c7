//! The wall between the rooms of `src/`: reads the sources and holds them to the tables below.
//!
//! One crate has no walls made by the compiler, so this test is the wall. It lexes every file (a path inside a macro is
//! seen too), resolves the first name of each path, and judges where the path leads. `#[cfg(test)]` modules may use
//! what they like, except for the rows of `NOWHERE` and for `unsafe`.
//!
//! Limits: names that come in through a glob import, and paths inside string literals, are not followed.

#[path = "layers/cases.rs"]
mod cases;
#[path = "layers/judge.rs"]
mod judge;
#[path = "layers/read.rs"]
mod read;
#[path = "layers/tokens.rs"]
mod tokens;
#[path = "layers/tree.rs"]
mod tree;

use judge::House;
use tree::Tree;

/// Room | the rooms it may use. Low to high: a room stands below all who use it.
///
/// `detect::Evidence` opens only that name of a room; `lib.rs` may name every room, to declare and to re-export it.
const ROOMS: &str = "
    secret    |
    bytes     |
    text      | bytes secret
    error     | text
    crypto    | error secret bytes
    clue      | error bytes crypto
    finding   | error bytes crypto clue
    outcome   | error crypto finding
    memory    | error secret bytes finding
    source    | error bytes
    unpack    | error bytes text memory source
    dump      | error bytes text memory source
    detect    | secret bytes text crypto clue finding
    sweep     | secret bytes text crypto clue finding outcome memory detect::Evidence detect::Key
              | detect::Sighting detect::WHOLE
    correlate | crypto clue finding outcome memory detect::Evidence detect::Key detect::Sighting
              | detect::WHOLE
    policy    | error bytes text crypto clue finding outcome correlate
    scan      | error secret bytes text crypto clue finding outcome memory source unpack dump detect
              | sweep correlate policy
    report    | error text crypto clue finding outcome policy
    remedy    | error secret bytes text crypto clue finding outcome memory source unpack dump
              | correlate policy scan
    worker    | error bytes text crypto clue finding outcome memory source unpack dump correlate policy
              | scan
    gate      | error bytes text clue finding outcome memory source unpack dump correlate policy scan
              | report remedy worker
    cli       | error secret bytes text crypto clue finding outcome memory source unpack dump detect
              | sweep correlate policy scan report remedy worker gate
    main      | cli
";

/// Outside crate, as the code spells it | the rooms where it is at home. Every dependency in `Cargo.toml` has a row.
///
/// `aho_corasick` is in `detect` for the types of an anchor's match only; the automaton is built in `scan`.
const CRATES: &str = "
    aho_corasick   | sweep scan detect
    anstyle        | cli report
    base64ct       | text crypto
    bzip2          | unpack
    clap           | cli
    crypto_bigint  | crypto
    crypto_primes  | crypto
    curve25519_dalek | crypto
    deflate64      | unpack
    der            | crypto
    ed25519_dalek  | crypto
    ed448_goldilocks | crypto
    flate2         | unpack
    globset        | cli
    indicatif      | cli
    k256           | crypto
    landlock       | worker
    libc           | worker gate
    lz4_flex       | unpack
    lzma_rust2     | unpack
    lzxd           | unpack
    memchr         | bytes text unpack detect sweep scan
    memmap2        | source
    minidump       | dump
    notify         | gate
    object         | dump
    p256           | crypto
    p384           | crypto
    p521           | crypto
    pkcs1          | crypto
    pkcs8          | crypto
    rayon          | crypto sweep scan
    rustix         | source remedy worker gate cli
    scroll         | dump
    sec1           | crypto
    sd_notify      | gate
    seccompiler    | worker
    serde          | report gate
    serde_json     | unpack report gate cli
    sha2           | crypto source scan worker gate
    signal_hook    | gate
    spki           | crypto
    tempfile       | source policy remedy worker gate cli
    thiserror      | error gate
    time           | finding policy report gate
    toml_edit      | policy
    tracing        | gate cli
    tracing_subscriber | cli
    walkdir        | cli
    x25519_dalek   | crypto
    x448           | crypto
    zeroize        | secret crypto source unpack sweep
    zstd_safe      | unpack
";

/// Path of the standard library | the rooms that may use it or anything inside it.
const STD_PATHS: &str = "
    std::fs         | source unpack policy remedy worker gate cli
    std::io::stdout | cli main
    std::io::stderr | cli main
";

/// Macro | the rooms that may call it. The library tells, the command line prints.
const MACROS: &str = "
    print    | cli main
    println  | cli main
    eprint   | cli main
    eprintln | cli main
    dbg      | cli main
";

/// Macros that stand nowhere, not even in tests: two leave work undone, one hides code from this test.
const NOWHERE: &str = "todo unimplemented include";

/// Files that may say `unsafe`, tests included: a path below the repository, or the beginning of a file name and a `*`.
const UNSAFE_FILES: &str = "src/source/map.rs src/gate/lease.rs simd*";

#[test]
fn sources_keep_to_their_rooms() {
    let tree = Tree::of_this_crate();
    for root in ["src/lib.rs", "src/main.rs"] {
        assert!(
            tree.files.contains_key(root),
            "`{root}` is missing, so the wall guards nothing"
        );
    }
    let violations = House::ours().judge(&tree);
    let list: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert!(
        list.is_empty(),
        "{} breaches of the wall:\n{}",
        list.len(),
        list.join("\n")
    );
}

#[test]
fn rooms_use_only_lower_rooms() {
    let house = House::ours();
    let mut lower: Vec<&str> = Vec::new();
    for (room, uses) in house.rooms.iter() {
        assert!(!lower.contains(&room), "room `{room}` has two rows");
        for used in uses {
            let used_room = used.split("::").next().expect("a split has a first part");
            assert!(
                lower.contains(&used_room),
                "`{room}` uses `{used}`, which does not stand below it"
            );
        }
        lower.push(room);
    }
}

#[test]
fn tables_name_only_rooms() {
    let house = House::ours();
    for table in [&house.crates, &house.std_paths, &house.macros] {
        for (what, homes) in table.iter() {
            for home in homes {
                assert!(
                    house.rooms.get(home).is_some(),
                    "the row of `{what}` names `{home}`, which is no room"
                );
            }
        }
    }
}
