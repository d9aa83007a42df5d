import { createCipheriv, createHash } from "node:crypto";

/** Bytes that no codec makes smaller; the same seed gives the same bytes, for ever. */
export function noiseBytes(seed: string, length: number): Buffer {
  const key = createHash("sha256").update(seed).digest().subarray(0, 16);
  return createCipheriv("aes-128-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

const SYLLABLES = ["ba", "ce", "di", "fo", "gu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti"];

/** Lines that compress about as well as source code; the same seed gives the same bytes. */
export function textBytes(seed: string, length: number): Buffer {
  const choices = noiseBytes(seed, length + 8);
  let text = "";
  for (let at = 0; text.length < length; at += 4) {
    const [first = 0, second = 0, third = 0, fourth = 0] = choices.subarray(at, at + 4);
    const word = `${syllable(first)}${syllable(second)}${third < 96 ? syllable(third) : ""}`;
    text += `${word}${fourth < 40 ? ":\n    " : fourth < 90 ? " = " : fourth < 99 ? `(${fourth})` : " "}`;
  }
  return Buffer.from(text.slice(0, length));
}

function syllable(choice: number): string {
  return SYLLABLES[choice % SYLLABLES.length] ?? "";
}
