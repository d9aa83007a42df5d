import { create, createFileRegistry, type MessageInitShape } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorProtoSchema,
  type DescriptorProtoSchema,
  type FieldDescriptorProtoSchema,
  type ServiceDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import type {
  FieldTable,
  MessageTables,
  PackageTable,
  ScalarValues,
  SchemaOf,
  ServiceOf,
  ServiceTable,
} from "./field-tables.ts";

/** The messages and services of a package, as the protobuf and gRPC libraries want them. */
export interface DescribedPackage<P extends PackageTable> {
  readonly message: <Name extends keyof P["messages"] & string>(name: Name) => SchemaOf<P, Name>;
  readonly service: <Name extends keyof P["services"] & string>(name: Name) => ServiceOf<P, Name>;
}

type MessageProto = MessageInitShape<typeof DescriptorProtoSchema>;
type FieldProto = MessageInitShape<typeof FieldDescriptorProtoSchema>;
type ServiceProto = MessageInitShape<typeof ServiceDescriptorProtoSchema>;

const SCALARS: Readonly<Record<keyof ScalarValues, Type>> = {
  string: Type.STRING,
  bool: Type.BOOL,
  int32: Type.INT32,
  uint32: Type.UINT32,
  int64: Type.INT64,
  uint64: Type.UINT64,
};

/**
 * Makes descriptors of the tables of a package, which are what a compiler would have made of a `.proto`
 * file with the same content.
 *
 * @throws Error where a table names a type that there is not: a mistake of ours
 */
export function describePackage<const P extends PackageTable>(table: P): DescribedPackage<P> {
  const file = create(FileDescriptorProtoSchema, {
    name: `${table.name}.proto`,
    package: table.name,
    syntax: "proto3",
    messageType: Object.entries(table.messages).map(([name, fields]) =>
      messageProto(`${table.name}.${name}`, name, fields, table),
    ),
    service: Object.entries(table.services).map(([name, methods]) =>
      serviceProto(name, methods, table),
    ),
  });
  const registry = createFileRegistry(file, () => undefined);
  return {
    message(name) {
      const found = registry.getMessage(`${table.name}.${name}`);
      if (found === undefined) throw new Error(`${table.name} has no message ${name}`);
      // The types of its fields are those of the table that it was made of.
      return found as unknown as SchemaOf<P, typeof name>;
    },
    service(name) {
      const found = registry.getService(`${table.name}.${name}`);
      if (found === undefined) throw new Error(`${table.name} has no service ${name}`);
      return found as unknown as ServiceOf<P, typeof name>;
    },
  };
}

function messageProto(
  fullName: string,
  name: string,
  fields: FieldTable,
  table: PackageTable,
): MessageProto {
  const maps = Object.entries(fields).filter(([, [, type]]) => type === "map");
  return {
    name,
    field: Object.entries(fields).map(([field, [number, type]]) => ({
      name: snakeCase(field),
      number,
      ...typeProto(type, `.${fullName}.${entryName(field)}`, table),
    })),
    nestedType: maps.map(([field]) => ({
      name: entryName(field),
      options: { mapEntry: true },
      field: [
        { name: "key", number: 1, label: Label.OPTIONAL, type: Type.STRING },
        { name: "value", number: 2, label: Label.OPTIONAL, type: Type.STRING },
      ],
    })),
  };
}

/** @param entry - full name of the message that an entry of a map is */
function typeProto(type: string, entry: string, table: PackageTable): FieldProto {
  if (type === "map") return { label: Label.REPEATED, type: Type.MESSAGE, typeName: entry };
  const isRepeated = type.endsWith("[]");
  const element = isRepeated ? type.slice(0, -"[]".length) : type;
  const label = isRepeated ? Label.REPEATED : Label.OPTIONAL;
  if (isScalar(element)) return { label, type: SCALARS[element] };
  return { label, type: Type.MESSAGE, typeName: typeName(element, table) };
}

function serviceProto(name: string, methods: ServiceTable, table: PackageTable): ServiceProto {
  return {
    name,
    method: Object.entries(methods).map(([method, [input, output, kind]]) => ({
      name: method.charAt(0).toUpperCase() + method.slice(1),
      inputType: typeName(input, table),
      outputType: typeName(output, table),
      serverStreaming: kind === "stream",
    })),
  };
}

function typeName(message: string, { name, messages }: PackageTable): string {
  if (!hasMessage(message, messages)) throw new Error(`${name} has no message ${message}`);
  return `.${name}.${message}`;
}

function hasMessage(name: string, messages: MessageTables): boolean {
  return Object.hasOwn(messages, name);
}

function isScalar(type: string): type is keyof ScalarValues {
  return Object.hasOwn(SCALARS, type);
}

function snakeCase(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** `AnnotationsEntry` for `annotations`, as a compiler calls it. */
function entryName(field: string): string {
  return `${field.charAt(0).toUpperCase()}${field.slice(1)}Entry`;
}
