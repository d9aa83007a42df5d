import assert from "node:assert/strict";
import { test } from "node:test";
import { CodedError } from "../base/index.ts";
import { checkStore } from "./check-store.ts";
import type { Status } from "./finding.ts";
import { fakeHost, GOOD_MACHINE, type Machine } from "./host-fixture.ts";
import type { OpenStoreToRead, StoreTraits } from "./store-probe.ts";

const LOCAL: StoreTraits = { journal: "wal", claims: "socket" };
const SHARED: StoreTraits = { journal: "rollback", claims: "lock-file" };

function opens(traits: StoreTraits): OpenStoreToRead {
  return () => Promise.resolve({ traits, [Symbol.asyncDispose]: () => Promise.resolve() });
}

const fails: OpenStoreToRead = () =>
  Promise.reject(new CodedError("STORE_DAMAGED", "/store/siflet.db: expected a database"));
const isNotAsked: OpenStoreToRead = () => Promise.reject(new Error("nobody opens this"));

const THERE: Machine = {
  ...GOOD_MACHINE,
  files: { ...GOOD_MACHINE.files, "/store/siflet.db": "" },
};

interface Row {
  readonly name: string;
  readonly machine: Machine;
  readonly open?: OpenStoreToRead;
  readonly found: Readonly<Record<string, Status>>;
  readonly text?: RegExp;
}

const fine = { directory: "ok", database: "ok", "file-system": "ok", "free-space": "ok" } as const;
const space = (type: number, freeBytes = 50e9): Machine => ({
  ...THERE,
  fileSystem: { type, freeBytes, totalBytes: 100e9 },
});

const rows: readonly Row[] = [
  { name: "a good store", machine: THERE, found: fine, text: /journal mode WAL, claims by socket/ },
  { name: "an empty directory", machine: GOOD_MACHINE, open: isNotAsked, found: fine },
  {
    name: "no directory, in one that we may write",
    machine: { ...THERE, files: {}, directories: [] },
    open: isNotAsked,
    found: { directory: "ok", "file-system": "ok", "free-space": "ok" },
    text: /the first pull makes it/,
  },
  {
    name: "no directory, in one that we may not write",
    machine: { ...THERE, files: {}, directories: [], readOnly: ["/"] },
    open: isNotAsked,
    found: { directory: "problem", "file-system": "ok", "free-space": "ok" },
    text: /\/ is not ours to write/,
  },
  {
    name: "a file",
    machine: { ...THERE, files: { "/store": "" }, directories: [] },
    open: fails,
    found: { ...fine, directory: "problem", database: "problem" },
    text: /no directory/,
  },
  {
    name: "a store to be read",
    machine: { ...THERE, readOnly: ["/store"] },
    found: { ...fine, directory: "warning" },
  },
  {
    name: "a store that all may write",
    machine: { ...THERE, modes: { "/store": 0o1777 } },
    found: { ...fine, directory: "warning" },
    text: /\(1777\)/,
  },
  {
    name: "a store that all may read",
    machine: { ...THERE, modes: { "/store": 0o755 } },
    found: fine,
  },
  {
    name: "a damaged database",
    machine: THERE,
    open: fails,
    found: { ...fine, database: "problem" },
    text: /siflet\.db: expected a database/,
  },
  {
    name: "a store for several machines on NFS",
    machine: space(0x6969),
    open: opens(SHARED),
    found: { ...fine, "file-system": "note" },
    text: /NFS/,
  },
  {
    name: "a store for one machine on Lustre",
    machine: space(0x0bd00bd0),
    found: { ...fine, database: "problem", "file-system": "note" },
    text: /Lustre is shared/,
  },
  {
    name: "a store in memory",
    machine: space(0x01021994),
    found: { ...fine, "file-system": "warning" },
    text: /tmpfs/,
  },
  {
    name: "an unknown file system",
    machine: space(0x12345678),
    found: { ...fine, "file-system": "note" },
    text: /0x12345678/,
  },
  {
    name: "little space",
    machine: space(0xef53, 4e9),
    found: { ...fine, "free-space": "warning" },
    text: /4\.0 GB of 100\.0 GB/,
  },
  {
    name: "no space",
    machine: space(0xef53, 0),
    found: { ...fine, "free-space": "problem" },
  },
];

for (const { name, machine, open = opens(LOCAL), found, text } of rows) {
  test(`the store: ${name}`, async () => {
    const findings = await checkStore(fakeHost(machine), "/store", open);
    assert.deepEqual(
      Object.fromEntries(findings.map(({ check, status }) => [check, status])),
      found,
    );
    if (text !== undefined) assert.match(findings.map((one) => one.text).join("\n"), text);
    for (const { status, remedy } of findings) {
      if (status === "problem" || status === "warning") assert.ok(remedy !== undefined);
    }
  });
}

test("a command that is to be run names the store as the shell reads it", async () => {
  const directory = "/a b; reboot";
  const machine = { directories: [directory], modes: { [directory]: 0o777 } };
  const [finding] = await checkStore(fakeHost(machine), directory, isNotAsked);
  assert.equal(finding?.remedy, "chmod go-w '/a b; reboot'");
});

test("a bug while the store is opened is none of the store's", async () => {
  await assert.rejects(checkStore(fakeHost(THERE), "/store", isNotAsked), /nobody opens this/);
});
