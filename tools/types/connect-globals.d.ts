/** What the types of `@connectrpc/connect` take from those of browsers and Node's own do not declare. */
type HeadersInit = ConstructorParameters<typeof Headers>[0];
