//! What `zig build -p PREFIX` installs beside the libraries: headers, files for pkg-config, and the manual pages.

const std = @import("std");
const Config = @import("Config.zig");

const manuals = "docs/man";

/// The release of the originals whose interfaces ours are: what programs compare when they ask for `libvmem >= 1.4`.
const stands_for = "1.8";

pub fn addHeader(c: Config, name: []const u8) void {
    const b = c.b;
    b.getInstallStep().dependOn(&b.addInstallHeaderFile(b.path(b.fmt("include/{s}", .{name})), name).step);
}

pub const Package = struct {
    /// Of the file, as in `pkg-config --libs libvmem`.
    name: []const u8,
    description: []const u8,
    /// As in `-lvmem`.
    library: []const u8,
    version: []const u8 = stands_for,
};

/// The prefix is the folder two above the file, so that an installed tree may be moved or staged.
pub fn addPackage(c: Config, package: Package) void {
    const b = c.b;
    const text = b.fmt(
        \\prefix=${{pcfiledir}}/../..
        \\libdir=${{prefix}}/lib
        \\includedir=${{prefix}}/include
        \\
        \\Name: {s}
        \\Description: {s}
        \\Version: {s}
        \\Libs: -L${{libdir}} -l{s}
        \\Libs.private: -pthread
        \\Cflags: -I${{includedir}}
        \\
    , .{ package.name, package.description, package.version, package.library });
    const file = b.fmt("{s}.pc", .{package.name});
    installText(b, file, text, b.fmt("lib/pkgconfig/{s}", .{file}));
}

/// Each page of docs/man, and for every further name in its NAME section a page that leads to it.
pub fn addManuals(c: Config) void {
    const b = c.b;
    const io = b.graph.io;
    b.dependOnDirectoryContents(b.path(manuals));
    var directory = b.root.openDir(io, manuals, .{ .iterate = true }) catch return;
    defer directory.close(io);
    var entries = directory.iterate();
    while (entries.next(io) catch @panic("reading " ++ manuals ++ " failed")) |entry| {
        const page = b.dupe(entry.name);
        const section = std.fs.path.extension(page);
        if (section.len != 2) continue;
        b.getInstallStep().dependOn(&b.addInstallFile(
            b.path(b.fmt(manuals ++ "/{s}", .{page})),
            b.fmt("share/man/man{s}/{s}", .{ section[1..], page }),
        ).step);
        b.dependOnFileContents(b.path(b.fmt(manuals ++ "/{s}", .{page})));
        const text = directory.readFileAlloc(io, page, b.allocator, .limited(1 << 20)) catch @panic("reading a manual page failed");
        addLinks(b, page, section, text);
    }
}

fn addLinks(b: *std.Build, page: []const u8, section: []const u8, text: []const u8) void {
    var lines = std.mem.splitScalar(u8, text, '\n');
    while (lines.next()) |line| {
        if (std.mem.startsWith(u8, line, ".Nd ")) return;
        if (!std.mem.startsWith(u8, line, ".Nm ")) continue;
        const name = std.mem.trimEnd(u8, line[".Nm ".len..], " ,");
        const link = b.fmt("{s}{s}", .{ name, section });
        if (std.mem.eql(u8, link, page)) continue;
        installText(b, link, b.fmt(".so man{s}/{s}\n", .{ section[1..], page }), b.fmt("share/man/man{s}/{s}", .{ section[1..], link }));
    }
}

fn installText(b: *std.Build, name: []const u8, text: []const u8, place: []const u8) void {
    const file = b.addWriteFiles().add(name, text);
    b.getInstallStep().dependOn(&b.addInstallFile(file, place).step);
}
