//! src/symbols.ts is made from the declarations of the FFI face, so the two sides cannot differ unnoticed.
//!
//! The generator runs on the building machine. It reaches the face as `@import("ffi")`, whose root is the FFI
//! library's own root: a module may not import files above the folder of its root.

const Config = @import("Config.zig");

pub fn add(c: Config) void {
    const b = c.b;
    const face = b.createModule(.{
        .root_source_file = b.path("zig/libvmem_ffi.zig"),
        .target = b.graph.host,
        .optimize = .debug,
        .link_libc = true,
    });
    face.addOptions("options", c.shipped);
    const generator = b.addExecutable(.{
        .name = "gen_symbols",
        .root_module = b.createModule(.{
            .root_source_file = b.path("zig/tools/gen_symbols.zig"),
            .target = b.graph.host,
            .optimize = .debug,
            .link_libc = true,
            .imports = &.{.{ .name = "ffi", .module = face }},
        }),
        .use_llvm = true,
        .use_lld = true,
    });
    const generated = b.addRunArtifact(generator).captureStdOut(.{ .basename = "symbols.ts" });

    const update = b.addUpdateSourceFiles();
    update.addCopyFileToSource(generated, "src/symbols.ts");
    b.step("symbols", "Write src/symbols.ts from the declarations of the FFI face").dependOn(&update.step);

    const check = b.addSystemCommand(&.{ "diff", "-u" });
    check.addFileArg(b.path("src/symbols.ts"));
    check.addFileArg(generated);
    b.step("check-symbols", "Show what is stale in src/symbols.ts").dependOn(&check.step);
}
