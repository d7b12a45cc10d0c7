//! What is in a dump, before any scan.

use super::human::{STRONG, count, paint, size};
use crate::text::printable;
use serde::Serialize;
use std::io::{self, Write};

/// The contents of one dump. Names are hostile text: they are escaped when printed for people.
#[derive(Debug, Serialize)]
pub struct Contents {
    /// The file.
    pub path: String,
    /// The format's name.
    pub format: &'static str,
    /// Size in bytes.
    pub size: u64,
    /// Processor; empty if unknown.
    pub processor: String,
    /// System; empty if unknown.
    pub system: String,
    /// The process' number.
    pub process_id: Option<u64>,
    /// The process' name.
    pub process_name: Option<String>,
    /// Threads.
    pub threads: Vec<ThreadRow>,
    /// Names of mapped files, each once, by address.
    pub modules: Vec<String>,
    /// Bytes by kind of region and name, in file order of the first.
    pub regions: Vec<RegionRow>,
    /// Bytes of the process' memory that are not in the dump by design.
    pub not_dumped: u64,
    /// Bytes that a scan will search.
    pub will_be_scanned: u64,
    /// Windows of memory that will be put together and searched again.
    pub seams: usize,
    /// Bytes the dump's tables speak of.
    pub declared: u64,
    /// Set if the file is a container that is not opened.
    pub container: Option<&'static str>,
    /// What is not as the format demands.
    pub faults: Vec<String>,
}

/// A thread.
#[derive(Debug, Serialize)]
pub struct ThreadRow {
    /// The system's number for it.
    pub id: u64,
    /// Its name.
    pub name: Option<String>,
    /// Start and end of its stack, as hexadecimal addresses.
    pub stack: Option<(String, String)>,
}

/// Regions of one kind and name together.
#[derive(Debug, Serialize)]
pub struct RegionRow {
    /// `memory`, `stream`, `header`, `gap`, `raw`.
    pub kind: &'static str,
    /// Name of a stream; owner of memory.
    pub name: String,
    /// How many regions.
    pub count: usize,
    /// Bytes in them.
    pub bytes: u64,
}

/// A container, and what is in it.
#[derive(Debug, Serialize)]
pub struct Packed {
    /// The file.
    pub path: String,
    /// The container's format.
    pub format: &'static str,
    /// Size in bytes.
    pub size: u64,
    /// Members of all depths, each container behind what is in it.
    pub members: Vec<MemberRow>,
    /// Members beside these that are under a passphrase or packed in a way that is not read.
    pub refused: u64,
    /// What could not be opened.
    pub faults: Vec<String>,
    /// What is in the members that are no containers.
    pub dumps: Vec<Contents>,
}

/// A member of a container.
#[derive(Debug, Serialize)]
pub struct MemberRow {
    /// File and members in one: `a.zip!b.tar!core`.
    pub display_path: String,
    /// The names that lead to it.
    pub members: Vec<String>,
    /// What it is: a dump's format, or a container's.
    pub format: &'static str,
    /// How it is packed.
    pub method: &'static str,
    /// Offset in its container of its first packed byte.
    pub offset: u64,
    /// Packed bytes.
    pub packed: u64,
    /// Bytes that came out.
    pub size: u64,
    /// Why it is not whole or not opened, if so.
    pub not_opened: Option<&'static str>,
}

/// Writes what is in a container for people, or as a JSON document.
///
/// # Errors
/// When `out` fails.
pub fn write_packed(
    packed: &Packed,
    as_json: bool,
    color: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    if as_json {
        serde_json::to_writer_pretty(&mut *out, packed)?;
        return writeln!(out);
    }
    writeln!(out, "{}", paint(color, STRONG, &printable(&packed.path)))?;
    writeln!(
        out,
        "  format      {}, {}: a container",
        packed.format,
        size(packed.size)
    )?;
    let refused = match packed.refused {
        0 => String::new(),
        refused => format!(", and {refused} that cannot be opened"),
    };
    writeln!(out, "  members     {}{refused}", packed.members.len())?;
    for row in packed.members.iter().take(MAX_MEMBERS) {
        let names: Vec<String> = row.members.iter().map(|name| printable(name)).collect();
        let why = row
            .not_opened
            .map(|reason| format!("  not whole [{reason}]"))
            .unwrap_or_default();
        writeln!(
            out,
            "    {:<10} {:>10} to {:>10}  {}  ({}){why}",
            row.method,
            size(row.packed),
            size(row.size),
            names.join("!"),
            row.format
        )?;
    }
    let more = packed.members.len().saturating_sub(MAX_MEMBERS);
    if more > 0 {
        writeln!(out, "    and {more} more (`--format json` lists all)")?;
    }
    for fault in packed.faults.iter().take(MAX_MEMBERS) {
        writeln!(out, "  not opened  {fault}")?;
    }
    for contents in packed.dumps.iter().take(MAX_MEMBERS) {
        writeln!(out)?;
        write_info(contents, false, color, out)?;
    }
    Ok(())
}

/// Writes `contents` for people, or as a JSON document.
///
/// # Errors
/// When `out` fails.
pub fn write_info(
    contents: &Contents,
    as_json: bool,
    color: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    if as_json {
        serde_json::to_writer_pretty(&mut *out, contents)?;
        return writeln!(out);
    }
    let known = |text: &str| {
        if text.is_empty() {
            "unknown".to_owned()
        } else {
            printable(text)
        }
    };
    writeln!(out, "{}", paint(color, STRONG, &printable(&contents.path)))?;
    writeln!(
        out,
        "  format      {}, {}",
        contents.format,
        size(contents.size)
    )?;
    if let Some(container) = contents.container {
        writeln!(
            out,
            "  container   {container}: its members are not opened, a scan is incomplete"
        )?;
    }
    writeln!(out, "  processor   {}", known(&contents.processor))?;
    writeln!(out, "  system      {}", known(&contents.system))?;
    let id = contents
        .process_id
        .map(|id| format!(" (process {id})"))
        .unwrap_or_default();
    writeln!(
        out,
        "  process     {}{id}",
        known(contents.process_name.as_deref().unwrap_or_default())
    )?;
    writeln!(out, "  threads     {}", contents.threads.len())?;
    for thread in contents.threads.iter().take(MAX_ROWS) {
        let name = thread
            .name
            .as_deref()
            .map(|name| format!(" {}", printable(name)))
            .unwrap_or_default();
        let stack = thread
            .stack
            .as_ref()
            .map(|(start, end)| format!("  stack {start}..{end}"))
            .unwrap_or_default();
        writeln!(out, "    {}{name}{stack}", thread.id)?;
    }
    more(contents.threads.len(), out)?;
    writeln!(out, "  modules     {}", contents.modules.len())?;
    for module in contents.modules.iter().take(MAX_ROWS) {
        writeln!(out, "    {}", printable(module))?;
    }
    more(contents.modules.len(), out)?;
    writeln!(out, "  regions")?;
    for row in &contents.regions {
        let count = if row.count == 1 {
            String::new()
        } else {
            format!(" ({})", row.count)
        };
        let line = format!(
            "    {:<8} {:>12}  {}{count}",
            row.kind,
            size(row.bytes),
            printable(&row.name)
        );
        writeln!(out, "{}", line.trim_end())?;
    }
    if contents.not_dumped > 0 {
        writeln!(
            out,
            "  not dumped  {} of the process' memory, by design",
            size(contents.not_dumped)
        )?;
    }
    if contents.declared > contents.size {
        let (declared, present) = (size(contents.declared), size(contents.size));
        writeln!(
            out,
            "  truncated   the dump's tables speak of {declared}, the file has {present}"
        )?;
    }
    for fault in &contents.faults {
        writeln!(out, "  fault       {fault}")?;
    }
    let seams = match contents.seams {
        0 => String::new(),
        number => format!(
            ", and {} of memory put together across seams",
            count(number, "window")
        ),
    };
    writeln!(
        out,
        "  a scan searches all {} bytes of the file{seams}",
        contents.will_be_scanned
    )
}

fn more(number: usize, out: &mut dyn Write) -> io::Result<()> {
    match number.saturating_sub(MAX_ROWS) {
        0 => Ok(()),
        rest => writeln!(out, "    and {rest} more (`--format json` lists all)"),
    }
}

/// Members of a container shown to people.
const MAX_MEMBERS: usize = 100;

/// Threads and modules shown to people.
const MAX_ROWS: usize = 32;
