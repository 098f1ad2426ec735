//! The table of contents of the build: every artifact and step has its own file in `zig/build/`.
//!
//!   zig build                 zig-out/lib/libvmem.so.1, zig-out/lib/libvmem_ffi.so, zig-out/include/libvmem.h, and
//!                             zig-out/lib/vmem_debug, the C libraries' twins for debugging
//!   zig build -p PREFIX       the same there; archives, files for pkg-config and manual pages belong to it
//!   zig build test            formatting and the unit tests (-Dtest-filter=…, -Dtest-root=zig/os.zig)
//!   zig build abi             the C programs of tests/abi and tests/memkind, each against its library as built
//!   zig build symbols         writes src/symbols.ts; `check-symbols` shows a stale one
//!   zig build fuzz -- ARGS    the seeded fuzzer of the heap
//!   zig build stress -- ARGS  the stress program of the heap
//!
//! `zig build --help` lists the options.

const std = @import("std");
const builtin = @import("builtin");
const Config = @import("zig/build/Config.zig");

comptime {
    // `minimum_zig_version` is only a lower bound, and Zig breaks its build API in every release.
    const wanted = @import("build.zig.zon").minimum_zig_version;
    if (!std.mem.eql(u8, builtin.zig_version_string, wanted)) {
        @compileError("vmem is built with Zig " ++ wanted ++ ", this is " ++ builtin.zig_version_string ++
            "; `deno task build` fetches the right one");
    }
}

pub fn build(b: *std.Build) void {
    const config: Config = .init(b);
    const libvmem = @import("zig/build/libvmem.zig").add(config);
    const libvmem_ffi = @import("zig/build/libvmem_ffi.zig").add(config);
    @import("zig/build/install.zig").addManuals(config);
    const libvmmalloc = @import("zig/build/libvmmalloc.zig").add(config);
    const libmemkind = @import("zig/build/libmemkind.zig").add(config);
    @import("zig/build/package.zig").add(config, .{ .vmem_ffi = libvmem_ffi, .vmem = libvmem, .vmmalloc = libvmmalloc, .memkind = libmemkind });
    @import("zig/build/unit_tests.zig").add(config);
    @import("zig/build/abi.zig").add(config, &.{
        .{ .folder = "tests/abi", .out = "abi", .library = libvmem },
        .{ .folder = "tests/memkind", .out = "memkind", .library = libmemkind },
    });
    @import("zig/build/interpose.zig").add(config, libvmmalloc);
    @import("zig/build/symbols.zig").add(config);
    @import("zig/build/fuzz.zig").add(config);
    @import("zig/build/stress.zig").add(config);
}
