//! The audit log: what its check tells, and its repair.

use super::{House, code, text, verify};
use serde_json::Value;
use std::fs;

#[test]
fn the_log_tells_what_was_done_to_it() {
    let house = House::new();
    for number in 0..4 {
        house.put(format!("{number}.core"), b"nothing");
    }
    let output = house.run(&[]);
    assert_eq!(code(&output), Some(0));
    let log = house.log();
    let whole = fs::read_to_string(&log).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    assert_eq!(lines.len(), 4);
    let heads: Vec<String> = house
        .events()
        .iter()
        .map(|event| event["hash"].as_str().unwrap().to_owned())
        .collect();
    let said = text(&output.stderr);
    assert!(said.contains(&heads[3]), "{said}");
    for head in &heads {
        assert_eq!(verify(&log, Some(head)).0, Some(0));
    }
    let copy = house.quarantine.join("copy.jsonl");
    let check = |text: &str, head: Option<&str>| {
        fs::write(&copy, text).unwrap();
        verify(&copy, head)
    };
    let changed = whole.replacen("1.core", "9.core", 1);
    let (code, said) = check(&changed, None);
    assert!(
        code == Some(1) && said.contains("line 2: the record is changed"),
        "{said}"
    );
    let reordered = [lines[0], lines[2], lines[1], lines[3]].concat();
    let (code, said) = check(&reordered, None);
    assert!(
        code == Some(1) && said.contains("line 2: the record does not follow"),
        "{said}"
    );
    let removed = [lines[0], lines[1], lines[3]].concat();
    assert_eq!(check(&removed, None).0, Some(1));
    let beheaded = [lines[1], lines[2], lines[3]].concat();
    assert_eq!(check(&beheaded, None).0, Some(1));
    // Cut at its end it is whole, but for those who know more.
    let cut = [lines[0], lines[1]].concat();
    assert_eq!(check(&cut, None).0, Some(0));
    assert_eq!(check(&cut, Some(&heads[3])).0, Some(1));
    assert_eq!(check("", Some(&heads[3])).0, Some(1));
    let torn = &whole[..whole.len() - 9];
    let (code, said) = check(torn, None);
    assert!(
        code == Some(1) && said.contains("line 4: the last record is torn"),
        "{said}"
    );
    assert_eq!(verify(&house.quarantine.join("absent"), None).0, Some(2));
}

#[test]
fn a_torn_log_is_repaired_and_that_is_recorded() {
    let house = House::new();
    house.put("a.core", b"nothing");
    house.run(&[]);
    house.put("b.core", b"nothing");
    house.run(&[]);
    let whole = fs::read(house.log()).unwrap();
    for cut in [1, 40, 200] {
        fs::write(house.log(), &whole[..whole.len() - cut]).unwrap();
        let name = format!("c{cut}.core");
        house.put(&name, b"nothing");
        let output = house.run(&[]);
        assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
        let events: Vec<Value> = house.events();
        let names: Vec<&str> = events
            .iter()
            .map(|event| event["event"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["decided", "repaired", "decided"]);
        assert_eq!(verify(&house.log(), None).0, Some(0));
    }
    // More than the last record is no accident of ours: nothing is decided that cannot be recorded.
    let damaged = String::from_utf8(whole)
        .unwrap()
        .replace("decided", "DECIDED");
    fs::write(house.log(), damaged).unwrap();
    house.put("d.core", b"nothing");
    let output = house.run(&[]);
    assert_eq!(code(&output), Some(2));
    assert!(house.spool.join("d.core").exists());
}
