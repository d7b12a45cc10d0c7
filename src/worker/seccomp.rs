//! The system calls of a scan. All others fail with `EPERM`, as they would for want of a right: a library that tries
//! one goes on without.

use libc::{
    AT_EMPTY_PATH, CLONE_THREAD, ENOSYS, EPERM, PR_SET_NAME, PROT_EXEC, SYS_brk, SYS_clock_gettime,
    SYS_clock_nanosleep, SYS_clone, SYS_clone3, SYS_close, SYS_exit, SYS_exit_group, SYS_fcntl,
    SYS_fdatasync, SYS_fstat, SYS_fsync, SYS_ftruncate, SYS_futex, SYS_getpid, SYS_getrandom,
    SYS_gettid, SYS_lseek, SYS_madvise, SYS_memfd_create, SYS_mmap, SYS_mprotect, SYS_mremap,
    SYS_munmap, SYS_nanosleep, SYS_newfstatat, SYS_ppoll, SYS_prctl, SYS_pread64, SYS_prlimit64,
    SYS_pwrite64, SYS_read, SYS_readv, SYS_recvmsg, SYS_restart_syscall, SYS_rseq,
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sched_getaffinity, SYS_sched_yield,
    SYS_sendto, SYS_set_robust_list, SYS_sigaltstack, SYS_statx, SYS_tgkill, SYS_write, SYS_writev,
};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter_all_threads,
};
use std::collections::BTreeMap;

/// Binds all threads of the process, and those they start, for good.
///
/// # Errors
/// When the kernel has no filters, or refuses them.
pub fn filter() -> Result<(), seccompiler::Error> {
    // The kernel takes the strictest answer of both filters. `clone3` hides its flags in memory, where no filter sees
    // them; told that there is no such call, the C library takes `clone`.
    let no_clone3 = compile(
        BTreeMap::from([(SYS_clone3, Vec::new())]),
        SeccompAction::Allow,
        SeccompAction::Errno(ENOSYS as u32),
    )?;
    let scan = compile(
        rules()?,
        SeccompAction::Errno(EPERM as u32),
        SeccompAction::Allow,
    )?;
    apply_filter_all_threads(&no_clone3)?;
    apply_filter_all_threads(&scan)
}

fn compile(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    others: SeccompAction,
    these: SeccompAction,
) -> Result<BpfProgram, BackendError> {
    let arch: TargetArch = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, others, these, arch)?.try_into()
}

fn rules() -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        WHOLE.iter().map(|call| (*call, Vec::new())).collect();
    let process = u64::from(std::process::id());
    for (call, argument, mask, value) in [
        // No new code.
        (SYS_mmap, 2, PROT_EXEC as u64, 0),
        (SYS_mprotect, 2, PROT_EXEC as u64, 0),
        // Threads, no processes.
        (SYS_clone, 0, CLONE_THREAD as u64, CLONE_THREAD as u64),
        // Of a descriptor, not of a path, unless both are given.
        (
            SYS_newfstatat,
            3,
            AT_EMPTY_PATH as u64,
            AT_EMPTY_PATH as u64,
        ),
        (SYS_statx, 2, AT_EMPTY_PATH as u64, AT_EMPTY_PATH as u64),
        // Threads have names.
        (SYS_prctl, 0, ALL_32, PR_SET_NAME as u64),
        // An abort is a signal to oneself.
        (SYS_tgkill, 0, ALL_32, process),
        // Limits are asked for, not set.
        (SYS_prlimit64, 2, u64::MAX, 0),
        // On the socket there is, to nobody else.
        (SYS_sendto, 4, u64::MAX, 0),
    ] {
        let condition = SeccompCondition::new(
            argument,
            SeccompCmpArgLen::Qword,
            SeccompCmpOp::MaskedEq(mask),
            value,
        )?;
        rules.insert(call, vec![SeccompRule::new(vec![condition])?]);
    }
    Ok(rules)
}

/// The 32 bits of an `int`; the kernel looks at no others.
const ALL_32: u64 = 0xffff_ffff;

/// Calls that are free whatever their arguments.
const WHOLE: &[i64] = &[
    SYS_brk,
    SYS_clock_gettime,
    SYS_clock_nanosleep,
    SYS_clone3,
    SYS_close,
    SYS_exit,
    SYS_exit_group,
    SYS_fcntl,
    SYS_fdatasync,
    SYS_fstat,
    SYS_fsync,
    SYS_ftruncate,
    SYS_futex,
    SYS_getpid,
    SYS_getrandom,
    SYS_gettid,
    SYS_lseek,
    SYS_madvise,
    SYS_memfd_create,
    SYS_mremap,
    SYS_munmap,
    SYS_nanosleep,
    SYS_ppoll,
    SYS_pread64,
    SYS_pwrite64,
    SYS_read,
    SYS_readv,
    SYS_recvmsg,
    SYS_restart_syscall,
    SYS_rseq,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sched_getaffinity,
    SYS_sched_yield,
    SYS_set_robust_list,
    SYS_sigaltstack,
    SYS_write,
    SYS_writev,
];
