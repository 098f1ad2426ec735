import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { fromJunit, fromZig, one, settle, skipReason, sum } from "./counts.ts";

const denoReport = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="6" failures="1" errors="0" time="0.290">
    <testsuite name="./a_test.ts" tests="4" disabled="2" errors="0" failures="1">
        <testcase name="plain &amp; &lt;fine&gt;" classname="./a_test.ts" time="0.001" line="3" col="1">
        </testcase>
        <testcase name="plain" classname="./a_test.ts" time="0.001" line="9" col="1">
        </testcase>
        <testcase name="plain &gt; nothing" classname="./a_test.ts" time="0.001" line="10" col="1">
        </testcase>
        <testcase name="fails &quot;so&quot;" classname="./a_test.ts" time="0.004" line="4" col="1">
            <failure message="Uncaught AssertionError: 1 > 2">AssertionError: 1 == 2</failure>
        </testcase>
        <testcase name="skipped" classname="./a_test.ts" time="0.000" line="5" col="1">
            <skipped/>
        </testcase>
        <testcase name="group" classname="./b_test.ts" time="0.003" line="3" col="1">
        </testcase>
    </testsuite>
    <testsuite name="ext:deno_node/testing.ts" tests="2" disabled="1" errors="0" failures="0">
        <testcase name="group &gt; one" classname="ext:deno_node/testing.ts" time="0.000" line="1" col="23191">
        </testcase>
        <testcase name="group &gt; two" classname="ext:deno_node/testing.ts" time="0.000" line="1" col="21231">
            <skipped/>
        </testcase>
    </testsuite>
</testsuites>`;

const bunReport = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="3" assertions="0" failures="1" skipped="1" time="0.06">
  <testsuite name="tests/a_test.ts" file="tests/a_test.ts" tests="3" failures="1" skipped="1">
    <testcase name="plain" classname="" time="0.002126" file="tests/a_test.ts" line="3" assertions="0" />
    <testcase name="fails" classname="" time="0.0015" file="tests/a_test.ts" line="4" assertions="0">
      <failure type="AssertionError" message="1 == 2">AssertionError: 1 == 2</failure>
    </testcase>
    <testcase name="skipped" classname="" time="0" file="tests/a_test.ts" line="5" assertions="0">
      <skipped />
    </testcase>
  </testsuite>
</testsuites>`;

test("fromJunit() counts the leaves of Deno's report", () => {
  assertEquals(fromJunit(denoReport), {
    passed: 4,
    failed: 1,
    skipped: [
      { name: "skipped", where: "a_test.ts:5" },
      { name: "group > two", where: "ext:deno_node/testing.ts:1" },
    ],
  });
});

test("fromJunit() counts the leaves of Bun's report", () => {
  assertEquals(fromJunit(bunReport), {
    passed: 1,
    failed: 1,
    skipped: [{ name: "skipped", where: "tests/a_test.ts:5" }],
  });
});

test("fromJunit() takes the reason for a skipped test from Node's report", () => {
  const report = `<testsuites>
	<testcase name="plain" time="0.001" classname="test" file="/a/a_test.ts"/>
	<testcase name="skipped" time="0.001" classname="test" file="/a/a_test.ts">
		<skipped type="skipped" message="it is &quot;so&quot;"/>
	</testcase>
	<testcase name="fails" time="0.001" classname="test" file="/a/a_test.ts" failure="1 == 2">
		<failure type="testCodeFailure" message="1 == 2"/>
	</testcase>
</testsuites>`;
  assertEquals(fromJunit(report), {
    passed: 1,
    failed: 1,
    skipped: [{ name: 'skipped: it is "so"', where: "" }],
  });
});

test("fromZig() takes skipped and crashed tests out of the passed ones", () => {
  const line = "Build Summary: 3/5 steps succeeded (1 failed); ";
  assertEquals(fromZig(`${line}12/12 tests passed`).passed, 12);
  const mixed = fromZig(`${line}7/10 tests passed (1 skipped, 1 failed, 1 crashed)`);
  assertEquals([mixed.passed, mixed.failed, mixed.skipped.length], [7, 2, 1]);
  assertEquals(mixed.skipped, [{ name: "a unit test that gives no reason", where: "zig" }]);
  const reason = fromZig(`skipped: no huge pages\n${line}7/8 tests passed (1 skipped)\n`);
  assertEquals(reason.skipped, [{ name: "no huge pages", where: "zig" }]);
  const crashed = fromZig(`${line}9/10 tests passed (1 crashed)`);
  assertEquals([crashed.passed, crashed.failed, crashed.skipped.length], [9, 1, 0]);
  assertEquals(fromZig("error: the compiler found 3 errors").passed, 0);
});

test("settle() makes a silent failure and an empty run count", () => {
  assertEquals(settle({ passed: 3, failed: 0, skipped: [] }, 0).failed, 0);
  assertEquals(settle({ passed: 3, failed: 0, skipped: [] }, 1).failed, 1);
  assertEquals(settle({ passed: 3, failed: 2, skipped: [] }, 1).failed, 2);
  assertEquals(settle({ passed: 0, failed: 0, skipped: [] }, 0).failed, 1);
  assertEquals(settle({ passed: 3, failed: 0, skipped: [] }, null).failed, 1);
});

test("sum() adds single checks", () => {
  assertEquals(sum([one(true), one(false), one(true)]), { passed: 2, failed: 1, skipped: [] });
});

test("skipReason() finds the text at the test or in its constant", () => {
  const source = `const noMount = root
  ? false
  : "only root may mount";
test("a", { skip: "always" }, () => {});
test("b", { skip: noMount }, () => {});
test("c", () => {});
const limits = {
  skip: mounter === undefined ? "no } mounts" : false,
};
test("e", {
  timeout: 5,
  skip: mounter ? "mounting is not permitted" : false,
}, () => {});
test("f", { skip: device === "" ? "no device" : false }, () => {});
`;
  assertEquals(skipReason(source, 4), "always");
  assertEquals(skipReason(source, 5), "only root may mount");
  assertEquals(skipReason(source, 7), "no } mounts");
  assertEquals(skipReason(source, 10), "mounting is not permitted");
  assertEquals(skipReason(source, 14), "no device");
  assertEquals(skipReason("test('c', () => {});\n", 1), undefined);
});
