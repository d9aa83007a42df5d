import assert from "node:assert/strict";
import { test } from "node:test";
import { rootlessMappings } from "./id-mappings.ts";
import { capabilitiesOf, isolationOf } from "./isolation.ts";
import { systemMounts } from "./system-mounts.ts";

const ALONE = rootlessMappings({ uid: 1000, gid: 1000 });
const MANY = rootlessMappings(
  { uid: 1000, gid: 1000 },
  { subuid: "1000:100000:65536", subgid: "1000:100000:65536" },
);

const rows = [
  { name: "root", network: "none", mappings: undefined, types: "pid ipc uts mount network cgroup" },
  {
    name: "root, with the host's network",
    network: "host",
    mappings: undefined,
    types: "pid ipc uts mount cgroup",
  },
  { name: "a user", network: "none", mappings: ALONE, types: "pid ipc uts mount network user" },
  {
    name: "a user, with the host's network",
    network: "host",
    mappings: MANY,
    types: "pid ipc uts mount user",
  },
] as const;

for (const { name, network, mappings, types } of rows) {
  test(`the namespaces of a container of ${name}`, () => {
    const { namespaces, uidMappings, resources } = isolationOf(network, mappings);
    assert.equal(namespaces.map(({ type }) => type).join(" "), types);
    assert.deepEqual(uidMappings, mappings?.uids);
    // Who is not root cannot rule devices, and the kernel gives him none.
    assert.equal(resources === undefined, mappings !== undefined);
  });
}

test("only the container's root has rights, and nothing hands them on", () => {
  const root = capabilitiesOf(0);
  assert.ok(root.effective.includes("CAP_SETUID"));
  assert.ok(
    !root.effective.some((name) => /SYS_ADMIN|SYS_PTRACE|SYS_MODULE|NET_RAW|MKNOD/.test(name)),
  );
  assert.deepEqual(root.effective, root.permitted);
  assert.deepEqual(Object.keys(root).sort(), ["bounding", "effective", "permitted"]);
  const user = capabilitiesOf(1000);
  assert.deepEqual([user.effective, user.permitted], [[], []]);
});

const terminals = [
  { name: "root", mappings: undefined, hasGroup: true },
  { name: "a user alone", mappings: ALONE, hasGroup: false },
  { name: "a user with subordinate groups", mappings: MANY, hasGroup: true },
] as const;

for (const { name, mappings, hasGroup } of terminals) {
  test(`terminals in a container of ${name} belong to the group of terminals where there is one`, () => {
    const mount = systemMounts("none", mappings).find(
      ({ destination }) => destination === "/dev/pts",
    );
    assert.equal(mount?.options?.includes("gid=5"), hasGroup);
  });
}

const kernelTrees = [
  {
    name: "root",
    network: "host",
    mappings: undefined,
    trees: "/sys sysfs, /sys/fs/cgroup cgroup",
  },
  { name: "a user", network: "none", mappings: ALONE, trees: "/sys sysfs" },
  { name: "a user with the host's network", network: "host", mappings: ALONE, trees: "/sys none" },
] as const;

for (const { name, network, mappings, trees } of kernelTrees) {
  test(`/sys of a container of ${name} is only to be read`, () => {
    const mounts = systemMounts(network, mappings).filter(({ destination }) =>
      destination.startsWith("/sys"),
    );
    const found = mounts.map(({ destination, type }) => `${destination} ${type ?? ""}`);
    assert.equal(found.join(", "), trees);
    assert.ok(mounts.every(({ options }) => options?.includes("ro")));
  });
}
