import type { UnknownField } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";

/**
 * The bytes of a message that has nothing but `messages`, encoded already, as its repeated field. Those of several
 * such messages, one behind the other, are the bytes of one that has all of them.
 *
 * @param number - of the field
 * @see Protocol Buffers, Encoding: varints, length-delimited records
 */
export function encodedMessage(number: number, messages: readonly Uint8Array[]): Uint8Array {
  const tag = tagOf(number);
  const tagBytes = varintBytes(tag);
  const bytes = messages.reduce(
    (sum, { length }) => sum + tagBytes + varintBytes(length) + length,
    0,
  );
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const message of messages) {
    at = writeVarint(whole, at, tag);
    at = writeVarint(whole, at, message.length);
    whole.set(message, at);
    at += message.length;
  }
  return whole;
}

/**
 * What `encodedMessage` made of the field, for the `$unknown` of a message, with which it goes out as it is.
 *
 * @param number - of the field
 */
export function encodedField(number: number, message: Uint8Array): UnknownField[] {
  if (message.length === 0) return [];
  // The library writes the first tag itself.
  const data = message.subarray(varintBytes(tagOf(number)));
  return [{ no: number, wireType: WireType.LengthDelimited, data }];
}

function tagOf(number: number): number {
  return ((number << 3) | WireType.LengthDelimited) >>> 0;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes += 1;
  return bytes;
}

/** Returns the position behind it. */
function writeVarint(into: Uint8Array, at: number, value: number): number {
  let rest = value;
  let position = at;
  for (; rest > 0x7f; rest >>>= 7) into[position++] = (rest & 0x7f) | 0x80;
  into[position++] = rest;
  return position;
}
