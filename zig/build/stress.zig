//! `zig build stress -- ARGS`: the stress program of the heap.

const Config = @import("Config.zig");

pub fn add(c: Config) void {
    const b = c.b;
    const stress = b.addExecutable(.{
        .name = "stress",
        .root_module = c.testModule("zig/stress.zig"),
        .use_llvm = true,
        .use_lld = true,
    });
    const run = b.addRunArtifact(stress);
    run.has_side_effects = true;
    run.addPassthruArgs();
    b.step("stress", "Run the stress program of the heap (arguments after --)").dependOn(&run.step);
}
