//! libvmem.so.1: the 16 functions of libvmem under `LIBVMEM_1.0`, the extension under `VMEM_EXT_1.0`, its twin for debugging, its archive, its headers.

const std = @import("std");
const Config = @import("Config.zig");
const install = @import("install.zig");

pub fn add(c: Config) *std.Build.Step.Compile {
    const library: Config.Library = .{
        .name = "vmem",
        .root = "zig/libvmem.zig",
        .map = "zig/libvmem.map",
        .version = .{ .major = 1, .minor = 0, .patch = 0 },
    };
    const shared = c.addLibrary(library);
    c.addTwin(library);
    _ = c.addArchive(library);
    install.addHeader(c, "libvmem.h");
    install.addHeader(c, "libvmem_ext.h");
    install.addPackage(c, .{ .name = "libvmem", .description = "malloc on a file, a DAX device or a region of memory", .library = "vmem" });
    return shared;
}
