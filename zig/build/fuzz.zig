//! `zig build fuzz -- ARGS`: the seeded fuzzer of the heap, with its self-checks on.

const Config = @import("Config.zig");

pub fn add(c: Config) void {
    const b = c.b;
    const fuzzer = b.addExecutable(.{
        .name = "fuzz",
        .root_module = c.testModule("zig/fuzz.zig"),
        .use_llvm = true,
        .use_lld = true,
    });
    const run = b.addRunArtifact(fuzzer);
    run.has_side_effects = true;
    run.addPassthruArgs();
    b.step("fuzz", "Run the seeded fuzzer of the heap (arguments after --)").dependOn(&run.step);
}
