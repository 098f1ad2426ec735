//! `zig build abi`: each C file of tests/abi and tests/memkind is one program, compiled against the public header and linked to
//! the library that is shipped. `abi-programs` only builds them into zig-out, for a runner that counts.

const std = @import("std");
const Config = @import("Config.zig");

/// The C programs of a folder, for a library.
pub const Suite = struct {
    folder: []const u8,
    /// Below zig-out.
    out: []const u8,
    library: *std.Build.Step.Compile,
};

pub fn add(c: Config, suites: []const Suite) void {
    const b = c.b;
    const run_all = b.step("abi", "Build and run the C programs that test the libraries");
    const build_all = b.step("abi-programs", "Build the C programs that test the libraries into zig-out");
    build_all.dependOn(b.getInstallStep());
    for (suites) |suite| {
        b.dependOnDirectoryContents(b.path(suite.folder));
        for (sources(b, suite.folder)) |file| addOne(c, suite, file, run_all, build_all);
    }
}

fn addOne(c: Config, suite: Suite, file: []const u8, run_all: *std.Build.Step, build_all: *std.Build.Step) void {
    const b = c.b;
    const name = file[0 .. file.len - ".c".len];
    const program = addProgram(c, suite, name, file);
    const install = b.addInstallArtifact(program, .{ .dest_dir = .{ .override = .{ .custom = suite.out } } });
    build_all.dependOn(&install.step);

    const run = b.addRunFile(b.graph.path(.install_prefix, b.fmt("{s}/{s}", .{ suite.out, name })));
    run.setName(name);
    run.has_side_effects = true;
    run.expectExitCode(0);
    run.step.dependOn(&install.step);
    run.step.dependOn(b.getInstallStep());
    run_all.dependOn(&run.step);
}

fn addProgram(c: Config, suite: Suite, name: []const u8, file: []const u8) *std.Build.Step.Compile {
    const b = c.b;
    const module = b.createModule(.{ .target = c.target, .optimize = .debug, .link_libc = true, .sanitize_c = .trap });
    module.addCSourceFile(.{
        .file = b.path(b.fmt("{s}/{s}", .{ suite.folder, file })),
        .flags = &.{ "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wpedantic", "-Werror" },
    });
    module.addIncludePath(b.path("include"));
    // The installed library is what the program finds. (linkLibrary would name its copy in the cache first.)
    module.addObjectFile(suite.library.getEmittedBin());
    module.addRPathSpecial("$ORIGIN/../lib");
    return b.addExecutable(.{ .name = name, .root_module = module, .use_llvm = true, .use_lld = true });
}

/// Names of the C files, sorted so that the order of a run does not depend on the file system.
fn sources(b: *std.Build, folder: []const u8) []const []const u8 {
    const io = b.graph.io;
    var names: std.ArrayList([]const u8) = .empty;
    var directory = b.root.openDir(io, folder, .{ .iterate = true }) catch return &.{};
    defer directory.close(io);
    var entries = directory.iterate();
    while (entries.next(io) catch @panic("reading a folder of tests failed")) |entry| {
        if (!std.mem.endsWith(u8, entry.name, ".c")) continue;
        names.append(b.allocator, b.dupe(entry.name)) catch @panic("OOM");
    }
    std.mem.sort([]const u8, names.items, {}, struct {
        fn before(_: void, left: []const u8, right: []const u8) bool {
            return std.mem.lessThan(u8, left, right);
        }
    }.before);
    return names.items;
}
