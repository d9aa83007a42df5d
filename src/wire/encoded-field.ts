import type { UnknownField } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/**
 * Messages that are encoded already as one repeated field of another message, for its `$unknown`: they
 * go out as they are, however many there are.
 *
 * @param number - of the repeated field
 * @returns nothing where there are no messages
 */
export function encodedField(
  number: number,
  messages: readonly Uint8Array[],
): UnknownField[] | undefined {
  const [first, ...others] = messages;
  if (first === undefined) return undefined;
  const writer = new BinaryWriter().bytes(first);
  for (const message of others) writer.tag(number, WireType.LengthDelimited).bytes(message);
  return [{ no: number, wireType: WireType.LengthDelimited, data: writer.finish() }];
}

/**
 * A whole message that has nothing but `messages`, encoded already, as its repeated field.
 *
 * @param number - of the field
 */
export function encodedMessage(number: number, messages: Iterable<Uint8Array>): Uint8Array {
  const writer = new BinaryWriter();
  for (const message of messages) writer.tag(number, WireType.LengthDelimited).bytes(message);
  return writer.finish();
}
