//! libvmem_ffi.so: the face of the TypeScript package. It travels inside packages and is loaded by its path, so
//! its name carries no version; the hash of its function table (zig build symbols) tells a stale one.

const std = @import("std");
const Config = @import("Config.zig");

pub fn add(c: Config) *std.Build.Step.Compile {
    return c.addLibrary(.{ .name = "vmem_ffi", .root = "zig/libvmem_ffi.zig", .map = "zig/libvmem_ffi.map" });
}
