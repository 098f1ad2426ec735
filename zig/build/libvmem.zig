//! libvmem.so.1: the 16 functions of libvmem under `LIBVMEM_1.0`, its twin for debugging, and its header.

const std = @import("std");
const Config = @import("Config.zig");

pub fn add(c: Config) *std.Build.Step.Compile {
    const library: Config.Library = .{
        .name = "vmem",
        .root = "zig/libvmem.zig",
        .map = "zig/libvmem.map",
        .version = .{ .major = 1, .minor = 0, .patch = 0 },
    };
    const shared = c.addLibrary(library);
    c.addTwin(library);
    shared.installHeader(c.b.path("include/libvmem.h"), "libvmem.h");
    return shared;
}
