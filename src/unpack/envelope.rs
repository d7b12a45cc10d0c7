//! Sentry's envelopes (develop.sentry.dev, "Envelopes"): a line of JSON, then items: a line of JSON with `type` and
//! perhaps `length`, the payload, a line end. Without a length the payload ends with its line. Payloads lie there as
//! they are and are scanned in place.

use super::item::{Halt, Member, Trouble};
use super::walk::Walk;
use crate::source::Source;
use memchr::memchr;
use serde_json::Value;

/// Whether `data` starts as an envelope: two lines of JSON objects, the second with a type; or one that has nothing but
/// what the header of an envelope has, with an event's number.
pub fn sniff(data: &[u8]) -> bool {
    if data.first() != Some(&b'{') {
        return false;
    }
    let Some((header, next)) = line(data, 0) else {
        return false;
    };
    // Log lines have a type, or a length, too; the header of an envelope has neither.
    let is_header = ["type", "length"]
        .iter()
        .all(|key| header.get(key).is_none());
    is_header
        && match line(data, next) {
            Some((item, _)) if item.get("type").is_some_and(Value::is_string) => true,
            _ => names_event(&header) && next < data.len(),
        }
}

/// Whether the header has an event's number and no field of anything else.
fn names_event(header: &Value) -> bool {
    let is_number = |id: &str| {
        let digits = id.bytes().filter(|byte| *byte != b'-');
        digits.clone().count() == 32 && digits.clone().all(|byte| byte.is_ascii_hexdigit())
    };
    let is_named = header.get("event_id").and_then(Value::as_str);
    let fields = header
        .as_object()
        .into_iter()
        .flat_map(serde_json::Map::keys);
    is_named.is_some_and(is_number) && { fields }.all(|field| FIELDS.contains(&&**field))
}

/// Gives on every item.
///
/// # Errors
/// When the walk must end.
pub fn open(source: &Source, walk: &mut Walk<'_>) -> Result<(), Halt> {
    let data = source.bytes();
    let Some((_, mut at)) = line(data, 0) else {
        return Ok(());
    };
    walk.structure(0..at as u64);
    let mut number = 0;
    while at < data.len() {
        let header = at;
        if data.get(at) == Some(&b'\n') {
            // Empty lines may end an envelope.
            walk.structure(at as u64..at as u64 + 1);
            at += 1;
            continue;
        }
        let Some((item, start)) = line(data, header) else {
            let what = "an item's header in JSON, found none".to_owned();
            walk.fault(Trouble::Damaged, None, header as u64, what);
            return Ok(());
        };
        number += 1;
        walk.structure(header as u64..start as u64);
        let text = |key| item.get(key).and_then(Value::as_str);
        let name = match (text("filename"), text("type")) {
            (Some(file), _) if !file.is_empty() => file.to_owned(),
            (_, kind) => format!("item {number} ({})", kind.unwrap_or("untyped")),
        };
        let rest = data.get(start..).unwrap_or_default();
        let length = item.get("length").and_then(Value::as_u64);
        let end = match length {
            Some(length) => (start as u64).saturating_add(length),
            None => (start + memchr(b'\n', rest).unwrap_or(rest.len())) as u64,
        };
        let member = Member {
            name,
            method: "stored",
            offset: start as u64,
        };
        if end > start as u64 {
            walk.stored(member, source, start as u64..end)?;
        } else {
            walk.empty();
        }
        at = usize::try_from(end).unwrap_or(usize::MAX).min(data.len());
        if at < data.len() && data.get(at) != Some(&b'\n') {
            let what = "a line end behind the item, found none".to_owned();
            walk.fault(Trouble::Damaged, None, at as u64, what);
            return Ok(());
        }
        walk.structure(at as u64..(at as u64).saturating_add(1));
        at += 1;
    }
    Ok(())
}

/// The JSON object in the line at `at`, and where the next line starts.
fn line(data: &[u8], at: usize) -> Option<(Value, usize)> {
    let rest = data.get(at..)?;
    let window = rest.get(..MAX_HEADER).unwrap_or(rest);
    let length = match memchr(b'\n', window) {
        Some(length) => length,
        None if window.len() == rest.len() => rest.len(),
        None => return None,
    };
    let text = window.get(..length)?;
    if text.first() != Some(&b'{') {
        return None;
    }
    let value: Value = serde_json::from_slice(text).ok()?;
    value
        .is_object()
        .then_some((value, (at + length + 1).min(data.len())))
}

/// What the header of an envelope may have.
const FIELDS: [&str; 5] = ["event_id", "dsn", "sdk", "sent_at", "trace"];

/// Bytes of a header.
const MAX_HEADER: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envelopes_are_told_from_other_json() {
        assert!(sniff(b"{}\n{\"type\":\"event\"}\n{}\n"));
        assert!(sniff(
            b"{\"event_id\":\"9e\"}\n{\"type\": \"attachment\", \"length\": 3}\nabc"
        ));
        let id = "9ec79c33ec9942ab8353589fcb2e04dc";
        let broken = |header: &str| sniff(format!("{header}\n{{\"typ\":3}}\nabc").as_bytes());
        assert!(broken(&format!(
            "{{\"event_id\":\"{id}\",\"sent_at\":\"x\"}}"
        )));
        assert!(!broken(&format!(
            "{{\"event_id\":\"{id}\",\"message\":\"x\"}}"
        )));
        assert!(!broken("{\"event_id\":\"9ec7\"}"));
        assert!(!sniff(b"{\"type\":\"event\"}\n{}\n"));
        assert!(!sniff(b"{}\n"));
        assert!(!sniff(
            b"{\"type\":\"a\",\"length\":1}\n{\"type\":\"b\",\"length\":2}\n"
        ));
        assert!(!sniff(b"{\"keys\": [\n{\"type\": \"x\"}]}"));
        assert!(!sniff(b"{"));
    }
}
