import assert from "node:assert/strict";
import { test } from "node:test";
import { inheritedSocket, Systemd } from "./systemd.ts";

const rows = [
  { name: "nothing", variables: {}, found: false },
  { name: "one socket for us", variables: { LISTEN_PID: "7", LISTEN_FDS: "1" }, found: true },
  { name: "several for us", variables: { LISTEN_PID: "7", LISTEN_FDS: "3" }, found: true },
  { name: "one for another", variables: { LISTEN_PID: "8", LISTEN_FDS: "1" }, found: false },
  { name: "none for us", variables: { LISTEN_PID: "7", LISTEN_FDS: "0" }, found: false },
  { name: "no number", variables: { LISTEN_PID: "7", LISTEN_FDS: "x" }, found: false },
];

for (const { name, variables, found } of rows) {
  test(`of ${name} that systemd hands on ${found ? "the first" : "nothing"} is taken`, () => {
    const expected = found ? { kind: "inherited", descriptor: 3 } : undefined;
    assert.deepEqual(inheritedSocket({ variables, processId: 7 }), expected);
  });
}

test("without systemd nobody is told", async () => {
  const told: string[] = [];
  const notify = (words: readonly string[]): Promise<void> => {
    told.push(words.join(" "));
    return Promise.resolve();
  };
  {
    await using systemd = new Systemd({ variables: {}, processId: 7, notify });
    systemd.ready("serving");
    systemd.stopping("ending");
  }
  assert.deepEqual(told, []);
});

test("what is told is told in order, also where one telling fails", async () => {
  const told: string[] = [];
  const notify = (words: readonly string[]): Promise<void> => {
    told.push(words.slice(1).join(" "));
    return told.length === 1 ? Promise.reject(new Error("no such program")) : Promise.resolve();
  };
  {
    const variables = { NOTIFY_SOCKET: "/run/notify", WATCHDOG_USEC: "1", WATCHDOG_PID: "8" };
    await using systemd = new Systemd({ variables, processId: 7, notify });
    systemd.ready("serving");
    systemd.status("busy");
    systemd.stopping("ending");
  }
  assert.deepEqual(told, ["READY=1 STATUS=serving", "STATUS=busy", "STOPPING=1 STATUS=ending"]);
});
