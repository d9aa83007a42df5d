import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isMapped, rootlessMappings } from "./id-mappings.ts";

const USER = { uid: 1000, gid: 1001, name: "me" };
const ALONE = {
  uids: [{ containerID: 0, hostID: 1000, size: 1 }],
  gids: [{ containerID: 0, hostID: 1001, size: 1 }],
};

test("without subordinate ids the container's root is the user, and there is nobody else", () => {
  assert.deepEqual(rootlessMappings(USER), ALONE);
});

test("subordinate ids follow the user, those of both kinds by themselves", () => {
  const files = { subuid: "me:100000:65536\n1000:300000:10\n", subgid: "me:200000:65536\n" };
  assert.deepEqual(rootlessMappings(USER, files), {
    uids: [
      { containerID: 0, hostID: 1000, size: 1 },
      { containerID: 1, hostID: 100_000, size: 65_536 },
      { containerID: 65_537, hostID: 300_000, size: 10 },
    ],
    gids: [
      { containerID: 0, hostID: 1001, size: 1 },
      { containerID: 1, hostID: 200_000, size: 65_536 },
    ],
  });
});

const useless = [
  { name: "another user's", line: "you:100000:65536" },
  { name: "no number", line: "me:x:65536" },
  { name: "a field too many", line: "me:1:2:3" },
  { name: "none of them", line: "me:100000:0" },
  { name: "past the last id", line: "me:4294967290:100" },
  { name: "with the user's own id", line: "me:990:100" },
] as const;

for (const { name, line } of useless) {
  test(`a line of subordinate ids counts for nothing: ${name}`, () => {
    const files = { subuid: line, subgid: "me:100000:65536" };
    assert.deepEqual(rootlessMappings(USER, files), ALONE);
  });
}

test("the kernel is given no id twice", () => {
  const files = { subuid: "me:100000:10\nme:100005:10\n1000:100000:10", subgid: "me:1:1" };
  assert.equal(rootlessMappings(USER, files).uids.length, 2);
});

test("an id is mapped if and only if it lies in a range", () => {
  const mappings = [
    { containerID: 0, hostID: 1000, size: 1 },
    { containerID: 1, hostID: 100_000, size: 4 },
  ];
  const mapped = [0, 1, 2, 3, 4, 5, 6].filter((id) => isMapped(id, mappings));
  assert.deepEqual(mapped, [0, 1, 2, 3, 4]);
});

test("mappings of any files never overlap, on neither side", () => {
  const line = fc
    .tuple(fc.nat(2 ** 32), fc.nat(2 ** 32))
    .map(([start, count]) => `me:${start}:${count}`);
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
      const text = lines.join("\n");
      const { uids } = rootlessMappings(USER, { subuid: text, subgid: "me:1:1" });
      for (const side of ["containerID", "hostID"] as const) {
        const ranges = uids.map((range) => [range[side], range[side] + range.size] as const);
        ranges.sort(([a], [b]) => a - b);
        ranges.forEach(([start], at) => {
          assert.ok(at === 0 || start >= (ranges[at - 1]?.[1] ?? 0));
        });
        assert.ok((ranges.at(-1)?.[1] ?? 0) < 2 ** 32);
      }
    }),
  );
});
