/**
 * How Go's gRPC prints a code, which is what dashboards are made for: `NotFound` for `NOT_FOUND`.
 *
 * @param name - as the specification of gRPC writes it
 */
export function grpcCodeName(name: string): string {
  if (name === "OK") return name;
  // It is written with one l there.
  if (name === "CANCELLED") return "Canceled";
  return name
    .split("_")
    .map((word) => word.slice(0, 1) + word.slice(1).toLowerCase())
    .join("");
}
