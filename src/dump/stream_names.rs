//! Names of minidump streams (MINIDUMP_STREAM_TYPE; Breakpad's, Crashpad's, Chrome's and Mozilla's own).

/// The name of a stream type; user streams and unknown ones by number.
pub fn stream_name(kind: u32) -> String {
    let known = NAMES.iter().find(|(known, _)| *known == kind);
    match (known, kind) {
        (Some((_, name)), _) => (*name).to_owned(),
        (None, 0x4350_0000..=0x4350_ffff) => format!("Crashpad {kind:#x}"),
        (None, 0x1_0000..) => format!("user {kind:#x}"),
        (None, _) => format!("type {kind}"),
    }
}

const NAMES: &[(u32, &str)] = &[
    (0, "unused"),
    (3, "ThreadList"),
    (4, "ModuleList"),
    (5, "MemoryList"),
    (6, "Exception"),
    (7, "SystemInfo"),
    (8, "ThreadExList"),
    (9, "Memory64List"),
    (10, "CommentA"),
    (11, "CommentW"),
    (12, "HandleData"),
    (13, "FunctionTable"),
    (14, "UnloadedModuleList"),
    (15, "MiscInfo"),
    (16, "MemoryInfoList"),
    (17, "ThreadInfoList"),
    (18, "HandleOperationList"),
    (19, "Token"),
    (20, "JavaScriptData"),
    (21, "SystemMemoryInfo"),
    (22, "ProcessVmCounters"),
    (23, "IptTrace"),
    (24, "ThreadNames"),
    (0xfff0, "Wine's module list"),
    (0x4350_0001, "CrashpadInfo"),
    (0x4767_0001, "BreakpadInfo"),
    (0x4767_0002, "Assertion"),
    (0x4767_0003, "LinuxCpuInfo"),
    (0x4767_0004, "LinuxProcStatus"),
    (0x4767_0005, "LinuxLsbRelease"),
    (0x4767_0006, "LinuxCmdLine"),
    (0x4767_0007, "LinuxEnviron"),
    (0x4767_0008, "LinuxAuxv"),
    (0x4767_0009, "LinuxMaps"),
    (0x4767_000a, "LinuxDsoDebug"),
    (0x4b6b_0002, "StabilityReport"),
    (0x4d7a_0001, "MozMacosCrashInfo"),
    (0x4d7a_0002, "MozMacosBootargs"),
    (0x4d7a_0003, "MozLinuxLimits"),
    (0x4d7a_0004, "MozSoftErrors"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_a_name() {
        assert_eq!(stream_name(9), "Memory64List");
        assert_eq!(stream_name(0x1_0001), "user 0x10001");
        assert_eq!(stream_name(0x4350_0042), "Crashpad 0x43500042");
        assert_eq!(stream_name(99), "type 99");
    }
}
