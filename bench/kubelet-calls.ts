/**
 * One kind of a kubelet's calls, in a process of its own: whoever reads long lists answers late to all else.
 * Arguments: socket, call, milliseconds between two calls, milliseconds in all. Prints the milliseconds of
 * each call as JSON.
 */
import { setTimeout as delay } from "node:timers/promises";
import { CriClient } from "../test/fixtures/daemon/index.ts";
import { IMAGES, nameOf } from "./filled-store.ts";
import { Lister } from "./lister.ts";

const [socket = "", call = "", intervalMs = "", totalMs = ""] = process.argv.slice(2);
using client = new CriClient(socket);
using lister = new Lister(socket);
let leastBytes = 0;
if (call === "ListImages") {
  if ((await client.list()).length < IMAGES) throw new Error("images are missing");
  // Of one that has them all; those that come and go meanwhile are few.
  leastBytes = Math.floor((await lister.listBytes()) * 0.99);
}

async function ask(number: number): Promise<boolean> {
  switch (call) {
    case "ListImages":
      return (await lister.listBytes()) >= leastBytes;
    case "ImageStatus":
      return (await client.status(nameOf((number * 7919) % IMAGES))) !== null;
    case "ImageFsInfo":
      return (await client.fsInfo()).imageFilesystems.length === 1;
    default:
      throw new Error(`no call ${call}`);
  }
}

async function timed(number: number): Promise<number> {
  const start = performance.now();
  if (!(await ask(number))) throw new Error(`${call}: a wrong answer`);
  return performance.now() - start;
}

// The first one connects and compiles.
await timed(0);
const calls: Promise<number>[] = [];
const begin = performance.now();
for (let at = Number(intervalMs); at < Number(totalMs); at += Number(intervalMs)) {
  await delay(Math.max(0, begin + at - performance.now()));
  // At its time, whether or not the one before is answered.
  calls.push(timed(calls.length + 1));
}
console.log(JSON.stringify(await Promise.all(calls)));
