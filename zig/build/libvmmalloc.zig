//! libvmmalloc.so.1: malloc and its family for a whole process, and its twin for debugging.

const std = @import("std");
const Config = @import("Config.zig");

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
    return shared;
}
