//! libvmmalloc.so.1: malloc and its family for a whole process, its twin for debugging, its header and its file for
//! pkg-config.

const std = @import("std");
const Config = @import("Config.zig");
const install = @import("install.zig");

pub fn add(c: Config) *std.Build.Step.Compile {
    const library: Config.Library = .{
        .name = "vmmalloc",
        .root = "zig/libvmmalloc.zig",
        .map = "zig/libvmmalloc.map",
        .version = .{ .major = 1, .minor = 0, .patch = 0 },
        .log_name = "libvmmalloc",
        .log_variables = "VMMALLOC",
    };
    const shared = c.addLibrary(library);
    c.addTwin(library);
    install.addHeader(c, "libvmmalloc.h");
    install.addPackage(c, .{
        .name = "libvmmalloc",
        .description = "malloc of a whole process from a file on fast memory",
        .library = "vmmalloc",
    });
    return shared;
}
