//! `zig build interpose-programs`: each C file of tests/interpose is a program into zig-out/interpose, those named
//! lib_*.c are libraries that such a program loads. tests/interpose/c_test.ts runs them with libvmmalloc preloaded.

const std = @import("std");
const Config = @import("Config.zig");

const folder = "tests/interpose";
/// What a linked program is called; all others have the library preloaded.
const linked = [_][]const u8{ "linked", "secure" };

pub fn add(c: Config, libvmmalloc: *std.Build.Step.Compile) void {
    const b = c.b;
    const build_all = b.step("interpose-programs", "Build the programs of " ++ folder ++ " into zig-out/interpose");
    build_all.dependOn(b.getInstallStep());
    b.dependOnDirectoryContents(b.path(folder));
    const io = b.graph.io;
    var directory = b.root.openDir(io, folder, .{ .iterate = true }) catch return;
    defer directory.close(io);
    var entries = directory.iterate();
    while (entries.next(io) catch @panic("reading " ++ folder ++ " failed")) |entry| {
        const file = b.dupe(entry.name);
        if (!std.mem.endsWith(u8, file, ".c")) continue;
        const built = build(c, libvmmalloc, file[0 .. file.len - ".c".len], file);
        build_all.dependOn(&b.addInstallArtifact(built, .{ .dest_dir = .{ .override = .{ .custom = "interpose" } } }).step);
    }
}

fn build(c: Config, libvmmalloc: *std.Build.Step.Compile, name: []const u8, file: []const u8) *std.Build.Step.Compile {
    const b = c.b;
    const is_library = std.mem.startsWith(u8, name, "lib_");
    const module = b.createModule(.{ .target = c.target, .optimize = .debug, .link_libc = true, .sanitize_c = .off, .pic = true });
    module.addCSourceFile(.{
        .file = b.path(b.fmt("{s}/{s}", .{ folder, file })),
        // malloc may not be taken for the one that the compiler knows, and programs are free to call what headers do not recommend.
        .flags = &.{ "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-Wno-deprecated-declarations", "-fno-builtin" },
    });
    module.addIncludePath(b.path("include"));
    if (is_library) return b.addLibrary(.{ .name = name["lib_".len..], .linkage = .dynamic, .root_module = module, .use_llvm = true, .use_lld = true });
    for (linked) |each| if (std.mem.eql(u8, each, name)) {
        module.addObjectFile(libvmmalloc.getEmittedBin());
        module.addRPathSpecial("$ORIGIN/../lib");
        // The loader does not follow $ORIGIN for a program with more rights than its user. Relative to where tests are run.
        module.addRPath(b.graph.path(.install_prefix, "lib"));
    };
    return b.addExecutable(.{ .name = name, .root_module = module, .use_llvm = true, .use_lld = true });
}
