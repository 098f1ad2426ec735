// Buffers of many sizes, text to bytes and back, compression.
const zlib = require("node:zlib");
let seed = 1;
const below = (limit) => (seed = seed * 48271 % 2147483647) % limit;
const kept = [];
for (let i = 0; i < 30000; i += 1) {
  const size = below(4) === 0 ? below(20000) : below(600);
  const buffer = new Uint8Array(size).fill(i);
  if (below(3) === 0) kept.push(buffer);
  if (kept.length > 4000) kept.splice(below(2000), 500);
  if (i % 300 === 0) kept.push(zlib.gzipSync(Buffer.alloc(below(200000), "text " + i)));
}
const text = kept.map((buffer) => Buffer.from(buffer).toString("base64").slice(0, 200)).join("\n");
console.log(kept.length, text.length, new TextEncoder().encode(text).length);
