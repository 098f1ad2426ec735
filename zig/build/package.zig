//! `zig build package-libraries -Dtarget=… -p PREFIX`: only the libraries that the packages carry for one platform, under
//! the names that programs load. tools/platforms.ts calls it for each of them.

const std = @import("std");
const Config = @import("Config.zig");

pub const Libraries = struct {
    vmem_ffi: *std.Build.Step.Compile,
    vmem: *std.Build.Step.Compile,
    vmmalloc: *std.Build.Step.Compile,
    memkind: *std.Build.Step.Compile,
};

pub fn add(c: Config, libraries: Libraries) void {
    const b = c.b;
    const step = b.step("package-libraries", "Build the libraries of the packages for one platform");
    const ffi_step = b.step("package-ffi", "Build libvmem_ffi.so alone, as for a package");
    // Plain files: a tarball of npm holds no symbolic links.
    inline for (.{
        .{ libraries.vmem_ffi, "libvmem_ffi.so" },
        .{ libraries.vmem, "libvmem.so.1" },
        .{ libraries.vmmalloc, "libvmmalloc.so.1" },
        .{ libraries.memkind, "libmemkind.so.0" },
    }) |pair| {
        const library, const name = pair;
        const install = b.addInstallFile(library.getEmittedBin(), name);
        step.dependOn(&install.step);
        if (library == libraries.vmem_ffi) ffi_step.dependOn(&install.step);
    }
}
