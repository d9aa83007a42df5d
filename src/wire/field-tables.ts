import type { Message } from "@bufbuild/protobuf";
import type { GenMessage, GenService } from "@bufbuild/protobuf/codegenv2";

/**
 * What a field holds: a scalar, the name of a message of the same table, either of them with `[]` behind
 * for a repeated one, or `map` for texts by texts. An enumeration is an `int32`, as on the wire.
 */
export type FieldType = string;

/** Number and type of each field of a message, by its name in camel case. */
export type FieldTable = Readonly<Record<string, readonly [number: number, type: FieldType]>>;

/** The messages of one package by their names. */
export type MessageTables = Readonly<Record<string, FieldTable>>;

/** What a method takes and answers; with a third entry it answers with a stream of them. */
export type MethodTable = readonly [input: string, output: string, kind?: "stream"];

/** The methods of a service by their names, first letter in lower case. */
export type ServiceTable = Readonly<Record<string, MethodTable>>;

/** All of one protobuf package. */
export interface PackageTable {
  readonly name: string;
  readonly messages: MessageTables;
  readonly services: Readonly<Record<string, ServiceTable>>;
}

/** The types that a field may have besides messages, and what they are in a program. */
export interface ScalarValues {
  readonly string: string;
  readonly bool: boolean;
  readonly int32: number;
  readonly uint32: number;
  readonly int64: bigint;
  readonly uint64: bigint;
}

type ElementValue<P extends PackageTable, Type> = Type extends keyof ScalarValues
  ? ScalarValues[Type]
  : Type extends keyof P["messages"] & string
    ? MessageOf<P, Type>
    : never;

type FieldValue<P extends PackageTable, Type> = Type extends "map"
  ? Record<string, string>
  : Type extends `${infer Element}[]`
    ? ElementValue<P, Element>[]
    : ElementValue<P, Type>;

/** Fields that may be unset, for they hold one message. */
type OptionalFields<P extends PackageTable, Table extends FieldTable> = {
  [Name in keyof Table]: Table[Name][1] extends keyof P["messages"] ? Name : never;
}[keyof Table];

/** A message of `P` as programs have it: 64-bit numbers exact, a message that is not set absent. */
export type MessageOf<
  P extends PackageTable,
  Name extends keyof P["messages"] & string,
> = Message<`${P["name"]}.${Name}`> & {
  -readonly [
    Field in Exclude<keyof P["messages"][Name], OptionalFields<P, P["messages"][Name]>>
  ]: FieldValue<P, P["messages"][Name][Field][1]>;
} & {
  -readonly [Field in OptionalFields<P, P["messages"][Name]>]?: FieldValue<
    P,
    P["messages"][Name][Field][1]
  >;
};

/** What encodes and decodes that message. */
export type SchemaOf<
  P extends PackageTable,
  Name extends keyof P["messages"] & string,
> = GenMessage<MessageOf<P, Name>>;

type MethodOf<P extends PackageTable, Method extends MethodTable> = {
  readonly methodKind: Method extends readonly [string, string, "stream"]
    ? "server_streaming"
    : "unary";
  readonly input: SchemaOf<P, Method[0] & keyof P["messages"] & string>;
  readonly output: SchemaOf<P, Method[1] & keyof P["messages"] & string>;
};

/** A service as the gRPC library wants it. */
export type ServiceOf<P extends PackageTable, Name extends keyof P["services"]> = GenService<{
  [Method in keyof P["services"][Name] & string]: MethodOf<P, P["services"][Name][Method]>;
}>;
