//! What a worker gives up before it sees a dump. Where the system cannot take something away, that is told, and the
//! worker goes on without it.

use super::Measure;
use rustix::process::{Resource, Rlimit, setrlimit};

/// What can be given up at once: cores, privileges, life after the parent, memory beyond `memory` bytes.
pub fn before_threads(memory: u64) -> Vec<Measure> {
    let mut measures = vec![
        measure("core-limit", "no core file of the worker", || {
            setrlimit(Resource::Core, limit(0))
        }),
        measure(
            "memory-limit",
            &format!("{memory} bytes of memory, maps of files apart"),
            || setrlimit(Resource::Data, limit(memory)),
        ),
    ];
    measures.extend(of_system());
    measures
}

/// What is given up once all else is ready: system calls that a scan does not need.
pub fn with_threads() -> Vec<Measure> {
    #[cfg(all(
        target_os = "linux",
        any(
            target_arch = "x86_64",
            target_arch = "aarch64",
            target_arch = "riscv64"
        )
    ))]
    {
        let what =
            "only the system calls of a scan: no file or socket is opened, no program started";
        vec![measure("seccomp", what, super::seccomp::filter)]
    }
    #[cfg(not(all(
        target_os = "linux",
        any(
            target_arch = "x86_64",
            target_arch = "aarch64",
            target_arch = "riscv64"
        )
    )))]
    {
        vec![missing("seccomp")]
    }
}

#[cfg(target_os = "linux")]
fn of_system() -> Vec<Measure> {
    use rustix::process::{
        DumpableBehavior, Signal, set_dumpable_behavior, set_parent_process_death_signal,
    };
    vec![
        measure(
            "not-dumpable",
            "no core through a pipe, no debugger, no /proc for other processes of the user",
            || set_dumpable_behavior(DumpableBehavior::NotDumpable),
        ),
        measure("no-new-privileges", "no set-user-ID program", || {
            rustix::thread::set_no_new_privs(true)
        }),
        measure("parent-death", "killed when its parent ends", || {
            set_parent_process_death_signal(Some(Signal::KILL))
        }),
        landlock(),
    ]
}

#[cfg(not(target_os = "linux"))]
fn of_system() -> Vec<Measure> {
    vec![
        missing("not-dumpable"),
        missing("no-new-privileges"),
        missing("parent-death"),
        missing("landlock"),
    ]
}

/// No rule allows anything. Only this thread and those it starts later are bound, so it comes before all others.
#[cfg(target_os = "linux")]
fn landlock() -> Measure {
    use landlock::{
        ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr,
        RulesetStatus, Scope,
    };
    let abi = ABI::V6;
    let restricted = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(abi)))
        .and_then(|rules| rules.scope(Scope::from_all(abi)))
        .and_then(landlock::Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self);
    let name = "landlock";
    let (is_in_force, detail) = match restricted {
        Ok(status) => match status.ruleset {
            RulesetStatus::FullyEnforced => (
                true,
                "no file, directory, TCP port, abstract socket or signal beyond the worker"
                    .to_owned(),
            ),
            RulesetStatus::PartiallyEnforced => (
                true,
                "no file or directory; of ports, sockets and signals what this kernel knows"
                    .to_owned(),
            ),
            RulesetStatus::NotEnforced => (false, "this kernel has it not".to_owned()),
        },
        Err(error) => (false, error.to_string()),
    };
    Measure {
        name,
        is_in_force,
        detail,
    }
}

/// Does `deed`, and says whether that worked.
fn measure<E: std::fmt::Display>(
    name: &'static str,
    detail: &str,
    deed: impl FnOnce() -> Result<(), E>,
) -> Measure {
    match deed() {
        Ok(()) => Measure {
            name,
            is_in_force: true,
            detail: detail.to_owned(),
        },
        Err(error) => Measure {
            name,
            is_in_force: false,
            detail: error.to_string(),
        },
    }
}

/// What this system has not.
#[allow(dead_code)] // unused where there is everything
fn missing(name: &'static str) -> Measure {
    Measure {
        name,
        is_in_force: false,
        detail: "this system has it not".to_owned(),
    }
}

fn limit(bytes: u64) -> Rlimit {
    Rlimit {
        current: Some(bytes),
        maximum: Some(bytes),
    }
}
