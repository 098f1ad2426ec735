//! What all artifacts share: target, release mode, the options of the command line, and the module `options`
//! that the sources see.
//!
//! What is shipped has neither fault injection nor the heap's self-checks; test programs have both, so that the code of a
//! test run is the shipped code plus its instruments. A C library has a twin for debugging (`addTwin`).

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
/// `@import("options")` of what is shipped; a library's own differ in what `Library` says.
shipped: *std.Build.Step.Options,
shipped_values: Values,
/// `@import("options")` of test programs.
tested: *std.Build.Step.Options,

/// What `@import("options")` has beside the version.
const Values = struct {
    general_dynamic: bool,
    fault: bool,
    verify: bool,
    thread_sanitizer: bool = false,
    canary: bool,
    /// The twin for debugging: tracing, junk, what Valgrind is to know, and an end of the process on wrong use.
    debug: bool = false,
    /// What lines of the log begin with, and the variables that steer it.
    log_name: []const u8 = "libvmem",
    log_variables: []const u8 = "VMEM",
    /// The version of its interface that the log names first.
    log_version: []const u8 = "1.1",
};

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
    const shipped_values: Values = .{ .general_dynamic = general_dynamic, .fault = fault orelse false, .verify = verify orelse false, .canary = canary };
    return .{
        .b = b,
        .target = target,
        .optimize = optimize,
        .test_optimize = given orelse .debug,
        .strip = b.option(bool, "strip", "Leave debug information out (default: not in debug mode)") orelse (optimize != .debug),
        .thread_sanitizer = thread_sanitizer,
        .test_filters = b.option([]const []const u8, "test-filter", "Only unit tests whose name contains this") orelse &.{},
        .test_root = b.option([]const u8, "test-root", "File whose unit tests are run (default: all of them)") orelse "zig/unit_tests.zig",
        .shipped = addOptions(b, shipped_values),
        .shipped_values = shipped_values,
        .tested = addOptions(b, .{ .general_dynamic = general_dynamic, .fault = fault orelse true, .verify = verify orelse true, .thread_sanitizer = thread_sanitizer, .canary = canary }),
    };
}

fn addOptions(b: *std.Build, values: Values) *std.Build.Step.Options {
    const options = b.addOptions();
    inline for (@typeInfo(Values).@"struct".field_names) |name| options.addOption(@FieldType(Values, name), name, @field(values, name));
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
    /// See `Values`.
    log_name: []const u8 = "libvmem",
    log_variables: []const u8 = "VMEM",
    log_version: []const u8 = "1.1",
};

/// What is shipped, or the twin of a C library that programs load instead when something is wrong with them.
const Variant = enum { release, debug };

/// A shipped shared library; installed by the default step.
pub fn addLibrary(c: Config, library: Library) *std.Build.Step.Compile {
    const compile = c.addShared(library, .release);
    c.b.installArtifact(compile);
    return compile;
}

/// The library's twin for debugging, of the same name and symbols, in a folder of its own: `LD_LIBRARY_PATH` leads to it.
/// Installed by the default step.
pub fn addTwin(c: Config, library: Library) void {
    const compile = c.addShared(library, .debug);
    const install = c.b.addInstallArtifact(compile, .{ .dest_dir = .{ .override = .{ .custom = "lib/vmem_debug" } } });
    c.b.getInstallStep().dependOn(&install.step);
}

fn addShared(c: Config, library: Library, variant: Variant) *std.Build.Step.Compile {
    const b = c.b;
    const compile = b.addLibrary(.{
        .name = library.name,
        .linkage = .dynamic,
        .root_module = c.shippedModule(library, variant),
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
    return compile;
}

/// The same code for linking into programs; installed by the default step. What it needs is in every C library: Zig's own
/// compiler_rt would put its memcpy and sin in the place of the program's.
pub fn addArchive(c: Config, library: Library) *std.Build.Step.Compile {
    const compile = c.b.addLibrary(.{
        .name = library.name,
        .linkage = .static,
        .root_module = c.shippedModule(library, .release),
        .use_llvm = true,
        .use_lld = true,
    });
    compile.link_function_sections = true;
    compile.link_data_sections = true;
    compile.bundle_compiler_rt = c.optimize == .debug;
    c.b.installArtifact(compile);
    return compile;
}

fn shippedModule(c: Config, library: Library, variant: Variant) *std.Build.Module {
    const debug = variant == .debug;
    const module = c.b.createModule(.{
        .root_source_file = c.b.path(library.root),
        .target = c.target,
        // Unoptimised, ten frames of ours would stand between a report of Valgrind and the caller.
        .optimize = if (debug) .safe else c.optimize,
        .link_libc = true,
        .pic = true,
        .strip = !debug and c.strip,
        .omit_frame_pointer = !debug, // the frame pointer costs three instructions a call
        .valgrind = debug,
    });
    var values = c.shipped_values;
    values.debug = debug;
    values.log_name = library.log_name;
    values.log_variables = library.log_variables;
    values.log_version = library.log_version;
    module.addOptions("options", addOptions(c.b, values));
    return module;
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
