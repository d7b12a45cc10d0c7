//! `dumpgate quarantine`

use super::gate_args::Quarantine as Arguments;
use super::{Exit, complain};

/// Looks into a quarantine, or changes what is in it.
#[cfg(unix)]
pub fn run(arguments: &Arguments) -> Exit {
    match on_unix::run(arguments) {
        Ok(exit) => exit,
        Err(message) => {
            complain(&message);
            Exit::Usage
        }
    }
}

/// Says that it cannot.
#[cfg(not(unix))]
pub fn run(_: &Arguments) -> Exit {
    complain(&"`quarantine` needs Unix, as the gate");
    Exit::Usage
}

#[cfg(unix)]
mod on_unix {
    use super::super::args::InfoFormat;
    use super::super::gate_args::{Expire, Listing, LogFormat, Release, Retry, Show, Stock};
    use super::super::log;
    use super::{Arguments, Exit};
    use crate::gate::names::{Bytes, shown};
    use crate::gate::store::{Again, Item, Keep, Store};
    use crate::gate::tell::sentence;
    use crate::gate::{Event, Rules};
    use crate::outcome::{Verdict, overall};
    use crate::policy::Policy;
    use crate::worker::Options;
    use serde_json::json;
    use std::io::{self, Write};
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;
    use std::time::Duration;

    type Done = Result<Exit, String>;

    pub fn run(arguments: &Arguments) -> Done {
        match arguments {
            Arguments::List(listing) => list(listing),
            Arguments::Show(show) => self::show(show),
            Arguments::Release(release) => self::release(release),
            Arguments::Retry(retry) => self::retry(retry),
            Arguments::Expire(expire) => self::expire(expire),
        }
    }

    /// The store, and in it what commands before this one began.
    fn open(
        stock: &Stock,
        release: Option<&Path>,
        judged: (Rules, Options, Policy),
    ) -> Result<Store, String> {
        let store = Store::open(&stock.quarantine, release, stock.audit.as_deref(), judged);
        let mut store = store.map_err(in_words)?;
        let recovered = store.recover(&mut |event| match event {
            Event::Done(done) => tracing::warn!("left undone before: {}", sentence(done)),
            Event::Left { name, what } => log::left(name, what),
            Event::Stuck { path, error } => log::stuck(path, error),
        });
        recovered.map_err(in_words)?;
        Ok(store)
    }

    fn opened(stock: &Stock, release: Option<&Path>) -> Result<Store, String> {
        log::begin(LogFormat::Human);
        let judged = (Rules::default(), Options::default(), Policy::default());
        open(stock, release, judged)
    }

    fn list(arguments: &Listing) -> Done {
        let store = opened(&arguments.stock, None)?;
        let mut out = io::stdout().lock();
        for item in store.items().map_err(in_words)? {
            let manifest = &item.manifest;
            let line = match arguments.format {
                InfoFormat::Text => text(&item),
                InfoFormat::Json => json!({
                    "name": Bytes::of(item.name.as_bytes()),
                    "time": manifest.time(),
                    "verdict": manifest.verdict().name(),
                    "size": manifest.size,
                    "sha256": manifest.sha256,
                    "keys": manifest.keys(),
                    "reasons": manifest.reasons(),
                    "doubt": manifest.doubt(),
                    "sides": item.sides.iter().map(|side| Bytes::of(side.name.as_bytes())).collect::<Vec<_>>(),
                })
                .to_string(),
            };
            writeln!(out, "{line}").map_err(unwritten)?;
        }
        Ok(Exit::Clean)
    }

    fn text(item: &Item) -> String {
        let manifest = &item.manifest;
        let mut line = format!(
            "{}  {:<10}  {:>12} bytes  {}",
            manifest.time(),
            manifest.verdict().name(),
            manifest.size,
            shown(&item.name)
        );
        if !item.sides.is_empty() {
            line.push_str(&format!(", with {} side files", item.sides.len()));
        }
        let keys = manifest.keys().len();
        if keys > 0 {
            line.push_str(&format!("; keys: {keys}"));
        }
        let reasons = manifest.reasons();
        if !reasons.is_empty() {
            line.push_str(&format!("; {}", reasons.join(", ")));
        }
        line
    }

    fn show(arguments: &Show) -> Done {
        let store = opened(&arguments.stock, None)?;
        let item = store.item(&arguments.name).map_err(in_words)?;
        let mut out = io::stdout().lock();
        out.write_all(&item.manifest.document())
            .map_err(unwritten)?;
        Ok(Exit::Clean)
    }

    fn release(arguments: &Release) -> Done {
        let reason = arguments.reason.trim();
        if reason.is_empty() || crate::text::printable(reason) != reason {
            return Err("`--reason`: expected one line of text".to_owned());
        }
        let mut store = opened(&arguments.stock, Some(&arguments.release))?;
        let item = store.item(&arguments.name).map_err(in_words)?;
        let done = store.release(&item, reason).map_err(in_words)?;
        log::head(store.gate());
        writeln!(io::stdout(), "{}", sentence(&done)).map_err(unwritten)?;
        Ok(Exit::Clean)
    }

    fn retry(arguments: &Retry) -> Done {
        log::begin(arguments.judging.log_format);
        let judged = arguments.judging.judged(false)?;
        let judged = (judged.rules, judged.options, judged.policy);
        let mut store = open(&arguments.stock, Some(&arguments.release), judged)?;
        let again = match arguments.all {
            true => Again::All,
            false => Again::Changed,
        };
        let mut worst = Verdict::Clean;
        for item in store.retriable(again).map_err(in_words)? {
            match store.retry(&item) {
                Ok(done) => {
                    worst = overall([worst, done.decision.verdict()]);
                    writeln!(io::stdout(), "{}", sentence(&done)).map_err(unwritten)?;
                }
                Err(error) => {
                    worst = overall([worst, Verdict::Incomplete]);
                    log::stuck(item.name.as_ref(), &error);
                }
            }
        }
        log::head(store.gate());
        Ok(Exit::from(worst))
    }

    fn expire(arguments: &Expire) -> Done {
        let mut store = opened(&arguments.stock, None)?;
        let keep = Keep {
            time: arguments
                .older_than
                .map(|days| Duration::from_secs(u64::from(days) * DAY)),
            bytes: arguments.keep_bytes,
        };
        let mut written = Ok(());
        let expired = store.expire(keep, &mut |item| {
            let line = writeln!(io::stdout(), "removed  {}", text(item));
            if written.is_ok() {
                written = line;
            }
        });
        log::head(store.gate());
        expired.map_err(in_words)?;
        written.map_err(unwritten)?;
        Ok(Exit::Clean)
    }

    fn in_words(error: crate::error::Error) -> String {
        error.to_string()
    }

    fn unwritten(error: io::Error) -> String {
        format!("failed to write: {error}")
    }

    /// Seconds of a day.
    const DAY: u64 = 86_400;
}
