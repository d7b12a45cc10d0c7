//! Tests the wall itself: small made-up sources, each with one fault it must see, and sound ones it must let pass.

use std::collections::BTreeMap;

use super::judge::House;
use super::tree::Tree;

/// A `lib.rs` that declares the rooms the cases use.
const LIB: &str = "mod cli; mod crypto; mod detect; mod dump; mod report; mod scan; mod text; pub use scan::Scanner;";

/// The breaches in a tree of these files beside a sound `lib.rs`, one in a line, in the order they are reported.
fn breaches_of_files(manifest: &str, files: &[(&str, &str)]) -> Vec<String> {
    let mut texts = BTreeMap::from([("src/lib.rs".to_owned(), LIB.to_owned())]);
    texts.extend(
        files
            .iter()
            .map(|(file, text)| ((*file).to_owned(), (*text).to_owned())),
    );
    let tree = Tree {
        manifest: manifest.to_owned(),
        files: texts,
    };
    House::ours()
        .judge(&tree)
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// The breaches in one file.
fn breaches(file: &str, text: &str) -> Vec<String> {
    breaches_of_files("", &[(file, text)])
}

/// Asserts that `file` has exactly one breach, and that its message holds `part`.
#[track_caller]
fn assert_caught(file: &str, text: &str, part: &str) {
    let found = breaches(file, text);
    let [message] = found.as_slice() else {
        panic!("expected one breach in `{text}`, found {found:?}")
    };
    assert!(
        message.starts_with(file),
        "expected a breach in `{file}`, found `{message}`"
    );
    assert!(
        message.contains(part),
        "expected `...{part}...`, found `{message}`"
    );
}

/// Asserts that `file` has no breach.
#[track_caller]
fn assert_passes(file: &str, text: &str) {
    assert_eq!(breaches(file, text), Vec::<String>::new(), "in `{text}`");
}

#[test]
fn a_message_says_where_who_what_and_what_instead() {
    let text = "//! Hits.\n\nuse crate::report::Json;\n";
    let expected =
        "src/detect/pem.rs:3: room `detect` may not use `crate::report::Json`; it may use: ";
    assert_caught("src/detect/pem.rs", text, expected);
}

#[test]
fn a_forbidden_use_is_caught_in_every_spelling() {
    let spellings = [
        "use crate::report::Json;",
        "pub(crate) use crate::report::Json as _;",
        "use crate::report;",
        "use crate::report::*;",
        "use crate::r#report::Json;",
        "use crate::{text::View, report::Json};",
        "use crate::{text, report::{Json, Html}};",
        "use {crate::text, crate::report::Json};",
        "use super::super::report::Json;",
        "use self::super::super::report;",
        "use super::super::{text, report};",
        "fn f() { use crate::report::Json; }",
        "mod inner { use super::super::super::report::Json; }",
        "use crate::report; fn f() { report::g() }",
        "macro_rules! m { () => { use $crate::report::Json; } }",
        "#[cfg(any(test, unix))] mod inner { use crate::report::Json; }",
        "#[cfg(unix)] mod inner { use crate::report::Json; }",
        "#[cfg(test)] use crate::report::Json;",
        "#[cfg(test)] mod tests { } use crate::report::Json;",
    ];
    for text in spellings {
        let found = breaches("src/detect/pem.rs", text);
        let is_about_report = |message: &String| message.contains("may not use `crate::report");
        assert!(!found.is_empty(), "nothing caught in `{text}`");
        assert!(found.iter().all(is_about_report), "{text}: {found:?}");
    }
}

#[test]
fn a_wrong_import_is_told_where_it_stands_only() {
    let text = "use crate::report;\nfn f() { report::write() }";
    assert_caught(
        "src/detect/pem.rs",
        text,
        "pem.rs:1: room `detect` may not use `crate::report`;",
    );
}

#[test]
fn a_forbidden_path_inside_code_is_caught() {
    let spellings = [
        "fn f() { crate::report::write() }",
        "fn f() { super::super::report::write() }",
        "fn f(json: &crate::report::Json) {}",
        "fn f() -> crate::report::Json { todo() }",
        "impl crate::report::Reporter for Pem {}",
        "fn f() { vec![1, crate::report::LIMIT] }",
        "fn f() { assert_eq!(x, super::super::report::LIMIT, \"x\") }",
        "macro_rules! m { ($x:expr) => { $crate::report::write($x) } }",
        "fn f() { &x[..crate::report::LIMIT] }",
        "fn f() { return crate::report::write() }",
        "fn f() { Vec::<crate::report::Json>::new() }",
        "fn f() { match x { _ => crate::report::write() } }",
        "#[derive(crate::report::Reporter)] struct S;",
        "fn f<'a>() -> impl T + use<'a> { crate::report::write() } const X: u8 = 1;",
        "use crate::text::{self as t}; fn f() { t::x(); crate::report::write() }",
    ];
    for text in spellings {
        assert_caught(
            "src/detect/pem.rs",
            text,
            "room `detect` may not use `crate::report::",
        );
    }
}

#[test]
fn one_name_of_a_room_does_not_open_the_room() {
    assert_passes("src/correlate.rs", "use crate::detect::Evidence;");
    assert_caught(
        "src/correlate.rs",
        "use crate::detect::Detector;",
        "`crate::detect::Detector`",
    );
    assert_caught(
        "src/correlate.rs",
        "use crate::detect::*;",
        "`crate::detect`",
    );
}

#[test]
fn a_name_that_only_begins_like_an_allowed_one_is_caught() {
    let text = "use crate::detect::EvidenceBook;";
    assert_caught("src/correlate.rs", text, "`crate::detect::EvidenceBook`");
}

#[test]
fn another_name_for_the_root_is_caught() {
    for text in [
        "use crate as c;",
        "use crate::{self as c};",
        "use super::super as up;",
        "extern crate self as own;",
    ] {
        assert_caught("src/detect/pem.rs", text, "crate root another name");
    }
    assert_caught("src/text.rs", "use super::*;", "all of the crate root");
}

#[test]
fn a_name_from_lib_is_judged_by_the_room_behind_it() {
    assert_passes("src/cli/mod.rs", "use crate::Scanner;");
    assert_caught(
        "src/detect/pem.rs",
        "use crate::Scanner;",
        "`crate::scan::Scanner`",
    );
    assert_caught("src/detect/pem.rs", "use crate::Unheard;", "neither a room");
}

#[test]
fn a_crate_away_from_home_is_caught_in_every_spelling() {
    let spellings = [
        "use serde_json as _;",
        "use serde_json;",
        "use ::serde_json::Value;",
        "use {serde_json::Value, crate::text};",
        "use ::{serde_json::Value, std::mem};",
        "extern crate serde_json;",
        "extern crate serde_json as json;",
        "fn f() { serde_json::to_string(x) }",
        "fn f() -> ::serde_json::Value { x }",
        "fn f() { return ::serde_json::to_string(x) }",
        "fn f() { if x {} ::serde_json::to_string(x) }",
        "fn f() { println(format!(\"{}\", serde_json::to_string(x))) }",
        "#[derive(serde_json::Value)] struct S;",
        "use serde_json::Value; struct S(Value); fn f() { Value::Null }",
        "mod serde_json {} fn f() { ::serde_json::to_string(x) }",
        "mod inner { mod serde_json {} } fn f() { serde_json::to_string(x) }",
    ];
    for text in spellings {
        let expected = "room `scan` may not use the crate `serde_json`; its home: unpack, report";
        assert_caught("src/scan/mod.rs", text, expected);
    }
}

#[test]
fn a_crate_without_a_row_is_caught() {
    assert_caught(
        "src/scan/mod.rs",
        "use ::tokio::spawn;",
        "give it a home in the table",
    );
    let manifest = "[package]\nname = \"x\"\n\n[dependencies]\nmemchr = \"2\"\nleft-pad = { version = \"1\" } # why";
    let found = breaches_of_files(
        manifest,
        &[("src/scan/mod.rs", "fn f() { left_pad::pad() }")],
    );
    let expected = "the crate `left_pad` has no row: give it a home in the table";
    assert_eq!(
        found,
        [
            format!("Cargo.toml:6: {expected}"),
            format!("src/scan/mod.rs:1: {expected}")
        ]
    );
}

#[test]
fn every_kind_of_dependency_section_is_read() {
    let manifest = "
        # zero = \"1\"
        [dependencies]
        # zero = \"1\"
        [dependencies.one]
        version = \"1\"
        [target.'cfg(unix)'.dependencies]
        two.version = \"1\"
        [dev-dependencies]
        three = \"1\"
        [build-dependencies.four]
        [target.x.dependencies.five]
    ";
    let found = breaches_of_files(manifest, &[]);
    let starts: Vec<&str> = found
        .iter()
        .filter_map(|message| message.split(" has").next())
        .collect();
    assert_eq!(
        starts,
        [
            "Cargo.toml:5: the crate `one`",
            "Cargo.toml:8: the crate `two`",
            "Cargo.toml:12: the crate `five`"
        ]
    );
}

#[test]
fn printing_outside_the_command_line_is_caught() {
    let spellings = [
        "fn f() { println!(\"x\") }",
        "fn f() { std::eprintln!(\"x\") }",
        "fn f() { vec![dbg!(x)] }",
        "use std::io::stdout;",
        "use std::io::*;",
        "use std::io; fn f() { io::stderr().lock() }",
        "use std::io::{self, Write}; fn f() { writeln!(io::stdout(), \"x\") }",
        "fn f() { use io::Write as _; use std::io; io::stdout() }",
        "use std::io as out; fn f() { out::stdout() }",
        "use io as out; use std::io; fn f() { out::stdout() }",
    ];
    for text in spellings {
        let expected = "; rooms that may: cli, main";
        assert_caught("src/scan/mod.rs", text, expected);
        assert_passes("src/cli/mod.rs", text);
    }
}

#[test]
fn files_outside_their_rooms_are_caught() {
    let spellings = [
        "use std::fs;",
        "use std::{fs, io};",
        "use std::{io::{self, Read}, fs::File};",
        "use std::fs::read;",
        "use std::*;",
        "use std as s; fn f() { s::fs::read(x) }",
        "fn f() { std::fs::read(x) }",
        "fn f() { ::std::fs::read(x) }",
        "use std::fs; fn f() { fs::read(x) }",
    ];
    for text in spellings {
        let found = breaches("src/detect/pem.rs", text);
        let expected = "src/detect/pem.rs:1: room `detect` may not use `std::fs`; rooms that may: ";
        assert!(
            found.iter().any(|message| message.starts_with(expected)),
            "{text}: {found:?}"
        );
    }
    assert_passes("src/source/buffer.rs", "use std::{fs, io};");
}

#[test]
fn unsafe_is_caught_even_in_tests() {
    let text = "fn f() { unsafe { g() } }";
    assert_caught(
        "src/dump/elf.rs",
        text,
        "`unsafe` may stand only in: src/source/map.rs",
    );
    assert_caught("src/text.rs", "#[unsafe(no_mangle)] fn f() {}", "`unsafe`");
    assert_caught(
        "src/text.rs",
        &format!("#[cfg(test)] mod tests {{ {text} }}"),
        "`unsafe`",
    );
    for file in [
        "src/source/map.rs",
        "src/scan/simd.rs",
        "src/sweep/simd_avx2.rs",
    ] {
        assert_passes(file, text);
    }
}

#[test]
fn unfinished_work_is_caught_everywhere() {
    let spellings = [
        "fn f() { todo!() }",
        "fn f() { std::unimplemented!(\"x\") }",
        "include!(\"../report/json.rs\");",
        "#[cfg(test)] mod t { fn f() { todo!() } }",
    ];
    for text in spellings {
        assert_caught("src/cli/mod.rs", text, "may stand nowhere");
    }
}

#[test]
fn lib_only_declares_and_re_exports() {
    let sound = "//! Doc.\n#![warn(x)]\n/// Doc.\npub mod text;\npub use text::View;\n#[cfg(test)] mod t {}";
    assert_passes("src/lib.rs", sound);
    let faults = [
        (
            "pub mod text;\nfn f() {}",
            "lib.rs:2: `lib.rs` may only declare",
        ),
        ("mod text { pub fn f() {} }", "may only declare"),
        ("mod helpers;", "`helpers` is no room"),
        (
            "mod text; pub use text::*;",
            "may not re-export all of `text`",
        ),
        ("pub use ::serde_json;", "the crate `serde_json`"),
    ];
    for (text, part) in faults {
        assert_caught("src/lib.rs", text, part);
    }
}

#[test]
fn main_uses_only_the_command_line() {
    assert_passes(
        "src/main.rs",
        "fn main() { std::process::exit(dumpgate::cli::run()) }",
    );
    let faults = [
        (
            "use dumpgate::scan::Scan;",
            "`crate::scan::Scan`; it may use: cli",
        ),
        ("use ::dumpgate::text;", "`crate::text`; it may use: cli"),
        (
            "use dumpgate::Scanner;",
            "`crate::scan::Scanner`; it may use: cli",
        ),
        ("use clap::Parser;", "the crate `clap`"),
        ("mod extra;", "may not declare modules"),
    ];
    for (text, part) in faults {
        assert_caught("src/main.rs", text, part);
    }
}

#[test]
fn a_file_in_no_room_is_caught() {
    assert_caught("src/helpers.rs", "", "`helpers` is no room: give it a row");
    assert_caught(
        "src/bin/second.rs",
        "fn main() {}",
        "`bin` is no room: give it a row",
    );
    let moved = "#[path = \"../report/json.rs\"] mod json;";
    assert_caught("src/detect/mod.rs", moved, "`#[path]`");
    assert_caught("src/detect/mod.rs", "fn f() {", "into tokens");
}

#[test]
fn tests_may_use_what_they_like() {
    let uses = "use crate::report::Json; fn f() { println!(\"{}\", serde_json::to_string(std::fs::read(x))) }";
    for attributes in [
        "#[cfg(test)]",
        "/// Doc.\n#[cfg(test)] #[allow(x)] pub(crate)",
        "#[allow(x)]\n#[cfg(test)]",
    ] {
        let text = format!("fn f() {{}} {attributes} mod tests {{ {uses} mod more {{ {uses} }} }}");
        assert_passes("src/detect/pem.rs", &text);
    }
    let files = [
        ("src/detect/mod.rs", "#[cfg(test)] mod tests;"),
        ("src/detect/tests.rs", uses),
        ("src/detect/tests/more.rs", uses),
    ];
    assert_eq!(breaches_of_files("", &files), Vec::<String>::new());
}

#[test]
fn sound_code_passes() {
    assert_passes(
        "src/dump/mod.rs",
        "//! Formats; see [`crate::report`] and `serde_json::to_string`.
        mod minidump;
        use crate::{error::Error, memory::{self, MemoryMap}, bytes};
        use std::{io::{self, Write as _}, path::Path};
        pub(in crate::dump) use minidump::Format;
        fn read(object: &[u8]) -> Result<memory::Region, Error> {
            let serde_json = object.len();
            // crate::report::write()
            let text = \"crate::report and println!\";
            minidump::read(self::minidump::LIMIT, ::minidump::Minidump::read(object));
            io::copy(x, y); serde_json.rayon(); print != (x); unsafely(text);
            <T as Trait>::Item::of(x); Vec::<u8>::with_capacity(3); Self::clap(x)
        }",
    );
    assert_passes(
        "src/dump/minidump/streams.rs",
        "use super::super::elf; use super::Format; use crate::dump; use minidump::Module;
        fn f(a: usize) { 'object: loop { scroll::x(elf::y, dump::z, a) } }
        fn g<'a>(x: &'a u8) -> impl Trait + use<'a> { object::read(x); }
        macro_rules! m { ($serde:ident, $($report:path),*) => { $serde::x($($report::y)*) } }",
    );
    assert_passes(
        "src/detect/pem.rs",
        "mod object { pub fn f() {} } fn f() { object::f(); { object::f() } }",
    );
}
