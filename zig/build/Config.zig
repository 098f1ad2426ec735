//! What all artifacts share: target, release mode, the options of the command line, and the module `options`
//! that the sources see.
//!
//! Two sets of options exist. What is shipped has neither fault injection nor the heap's self-checks; test
//! programs have both, so that the code of a test run is the shipped code plus its instruments.

const std = @import("std");
const Config = @This();

/// What is shipped is built so unless -Doptimize says otherwise. docs/decisions.md has the measurement.
const shipped_default: std.builtin.Optimize = .fast;

b: *std.Build,
target: std.Build.ResolvedTarget,
/// Release mode of what is shipped, and of test programs.
optimize: std.builtin.Optimize,
test_optimize: std.builtin.Optimize,
strip: bool,
thread_sanitizer: bool,
test_filters: []const []const u8,
test_root: []const u8,
/// `@import("options")` of what is shipped.
shipped: *std.Build.Step.Options,
/// `@import("options")` of test programs.
tested: *std.Build.Step.Options,

pub fn init(b: *std.Build) Config {
    // A native target would link the host's start files and its glibc: a library made on one machine would then
    // need that machine's glibc or a newer one. 2.17 is the oldest that the supported distributions still carry.
    const target = b.standardTargetOptions(.{ .default_target = .{
        .cpu_arch = b.graph.host.result.cpu.arch,
        .os_tag = .linux,
        .abi = .gnu,
        .glibc_version = .{ .major = 2, .minor = 17, .patch = 0 },
    } });
    const given = b.option(std.builtin.Optimize, "optimize", "Release mode (default: " ++ @tagName(shipped_default) ++ " for the libraries, debug for tests)");
    const optimize = given orelse shipped_default;
    const general_dynamic = b.option(bool, "tls-general-dynamic", "Thread-local access that every loader takes, at 4 ns a call (default on musl)") orelse
        target.result.abi.isMusl();
    const fault = b.option(bool, "fault", "Fault injection at the system calls (default: only in tests)");
    const verify = b.option(bool, "verify", "The heap checks its own invariants (default: only in tests)");
    const thread_sanitizer = b.option(bool, "thread-sanitizer", "Unit tests and fuzzer under the thread sanitizer") orelse false;
    const canary = b.option(bool, "canary", "Test programs can plant defects in the heap (zig/heap/canary.zig)") orelse false;
    return .{
        .b = b,
        .target = target,
        .optimize = optimize,
        .test_optimize = given orelse .debug,
        .strip = b.option(bool, "strip", "Leave debug information out (default: not in debug mode)") orelse (optimize != .debug),
        .thread_sanitizer = thread_sanitizer,
        .test_filters = b.option([]const []const u8, "test-filter", "Only unit tests whose name contains this") orelse &.{},
        .test_root = b.option([]const u8, "test-root", "File whose unit tests are run (default: all of them)") orelse "zig/unit_tests.zig",
        .shipped = addOptions(b, .{ .general_dynamic = general_dynamic, .fault = fault orelse false, .verify = verify orelse false, .thread_sanitizer = false, .canary = false }),
        .tested = addOptions(b, .{ .general_dynamic = general_dynamic, .fault = fault orelse true, .verify = verify orelse true, .thread_sanitizer = thread_sanitizer, .canary = canary }),
    };
}

fn addOptions(b: *std.Build, values: struct { general_dynamic: bool, fault: bool, verify: bool, thread_sanitizer: bool, canary: bool }) *std.Build.Step.Options {
    const options = b.addOptions();
    options.addOption(bool, "general_dynamic", values.general_dynamic);
    options.addOption(bool, "fault", values.fault);
    options.addOption(bool, "verify", values.verify);
    options.addOption(bool, "thread_sanitizer", values.thread_sanitizer);
    options.addOption(bool, "canary", values.canary);
    options.addOption([]const u8, "version", @import("../../build.zig.zon").version);
    return options;
}

pub const Library = struct {
    /// `vmem` gives libvmem.so.
    name: []const u8,
    root: []const u8,
    /// The version script; what it does not name is not exported.
    map: []const u8,
    /// Without it the file's name carries no version and it has no versioned SONAME.
    version: ?std.SemanticVersion = null,
};

/// A shipped shared library; installed by the default step.
pub fn addLibrary(c: Config, library: Library) *std.Build.Step.Compile {
    const b = c.b;
    const module = b.createModule(.{
        .root_source_file = b.path(library.root),
        .target = c.target,
        .optimize = c.optimize,
        .link_libc = true,
        .pic = true,
        .strip = c.strip,
        .omit_frame_pointer = true, // the frame pointer costs three instructions a call
    });
    module.addOptions("options", c.shipped);
    const compile = b.addLibrary(.{
        .name = library.name,
        .linkage = .dynamic,
        .root_module = module,
        .version = library.version,
        // Zig's own linker, the default in debug mode, ignores version scripts without a word.
        .use_llvm = true,
        .use_lld = true,
    });
    compile.setVersionScript(b.path(library.map));
    compile.link_function_sections = true;
    compile.link_data_sections = true;
    compile.link_gc_sections = true;
    compile.link_z_defs = true;
    compile.build_id = .sha1;
    b.installArtifact(compile);
    return compile;
}

/// The module of a program that tests the library's sources from inside.
pub fn testModule(c: Config, root: []const u8) *std.Build.Module {
    const module = c.b.createModule(.{
        .root_source_file = c.b.path(root),
        .target = c.target,
        .optimize = c.test_optimize,
        .link_libc = true,
        .sanitize_thread = c.thread_sanitizer,
    });
    module.addOptions("options", c.tested);
    return module;
}
