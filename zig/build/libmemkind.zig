//! libmemkind.so.0: the functions and variables of memkind, its twin for debugging, and its header.

const std = @import("std");
const Config = @import("Config.zig");
const install = @import("install.zig");

pub fn add(c: Config) *std.Build.Step.Compile {
    const library: Config.Library = .{
        .name = "memkind",
        .root = "zig/libmemkind.zig",
        .map = "zig/libmemkind.map",
        .version = .{ .major = 0, .minor = 0, .patch = 1 },
        .log_name = "libmemkind",
        .log_version = "1.14",
    };
    const shared = c.addLibrary(library);
    c.addTwin(library);
    for ([_][]const u8{ "memkind.h", "hbwmalloc.h", "memkind_memtier.h" }) |header| install.addHeader(c, header);
    install.addPackage(c, .{ .name = "memkind", .description = "Kinds of memory on files that grow and shrink", .library = "memkind", .version = "1.14.0" });
    return shared;
}
