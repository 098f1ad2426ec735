//! `zig build test`: the formatting of all Zig files and the unit tests beside the code. `test-program` only builds the
//! tests, into zig-out/test/unit, for a runner on another machine.

const Config = @import("Config.zig");

pub fn add(c: Config) void {
    const b = c.b;
    const tests = b.addTest(.{
        .root_module = c.testModule(c.test_root),
        .filters = c.test_filters,
        .use_llvm = true,
        .use_lld = true,
    });
    const run = b.addRunArtifact(tests);
    run.has_side_effects = true; // a cached run prints no counts

    const format = b.addFmt(.{ .paths = &.{ b.path("build.zig"), b.path("zig") }, .check = true });

    const step = b.step("test", "Check formatting and run the unit tests");
    step.dependOn(&run.step);
    step.dependOn(&format.step);

    const program = b.addInstallArtifact(tests, .{ .dest_dir = .{ .override = .{ .custom = "test" } }, .dest_sub_path = "unit" });
    b.step("test-program", "Build the unit tests into zig-out/test/unit").dependOn(&program.step);
}
