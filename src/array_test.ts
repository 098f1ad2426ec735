import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { Arrays, detach } from "./array.ts";

test("detach() empties every view of a buffer", () => {
  const array = new Uint8Array(10);
  const part = array.subarray(2);
  assertEquals(detach(array.buffer), true);
  assertEquals([array.length, part.length], [0, 0]);
  assertEquals(detach(array.buffer), true);
});

test("Arrays detaches the young and the old ones, and forgets what was deleted", async () => {
  const arrays = new Arrays();
  const [old, deleted, young] = [new ArrayBuffer(1), new ArrayBuffer(2), new ArrayBuffer(3)];
  arrays.add(1, old);
  arrays.add(2, deleted);
  await new Promise((resolve) => setTimeout(resolve));
  arrays.add(3, young);
  assertEquals(arrays.get(1), old);
  assertEquals(arrays.get(3), young);
  arrays.delete(2);
  assertEquals(arrays.get(2), undefined);
  arrays.detachAll();
  assertEquals([old.detached, deleted.detached, young.detached], [true, false, true]);
  assertEquals(arrays.get(1), undefined);
});

test("Arrays keeps the newest array at a pointer that is used again", async () => {
  const arrays = new Arrays();
  const [first, second] = [new ArrayBuffer(1), new ArrayBuffer(2)];
  arrays.add(1, first);
  await new Promise((resolve) => setTimeout(resolve));
  arrays.add(1, second);
  assertEquals(arrays.get(1), second);
  arrays.delete(1);
  assertEquals(arrays.get(1), undefined);
});
