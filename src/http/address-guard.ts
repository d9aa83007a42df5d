import type { LookupAddress } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { HttpError } from "./http-error.ts";
import { bareHost } from "./plain-http.ts";

/** What an address is good for. `special` is what no server may send us to. */
export type AddressKind = "public" | "private" | "loopback" | "special";

/**
 * Which addresses one hop may connect to: `named` by the user, any; named by a server, only those
 * of the kind that the user's own host has, and public ones.
 */
export type Reach = "named" | "loopback" | "private" | "public";

/** Asks for all addresses of a host name; the seam that tests put their own names into. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

const SPECIAL = blockList(
  [
    ["0.0.0.0", 8],
    ["100.100.100.200", 32], // Alibaba's metadata service, inside the shared range
    ["168.63.129.16", 32], // Azure's host agent, a public address in name only
    ["169.254.0.0", 16], // link-local, with most metadata services
    ["192.0.0.0", 24], // protocol assignments, with Oracle's old metadata service
    ["224.0.0.0", 4],
    ["240.0.0.0", 4],
  ],
  [
    ["::", 128],
    ["fd00:ec2::254", 128], // Amazon's metadata service
    ["fe80::", 10],
    ["fec0::", 10],
    ["ff00::", 8],
  ],
);
const LOOPBACK = blockList([["127.0.0.0", 8]], [["::1", 128]]);
const PRIVATE = blockList(
  [
    ["10.0.0.0", 8],
    ["100.64.0.0", 10],
    ["172.16.0.0", 12],
    ["192.168.0.0", 16],
    ["198.18.0.0", 15],
  ],
  [["fc00::", 7]],
);

/** Names of metadata services, without a dot at the end; behind a proxy their addresses are not seen. */
const METADATA_NAMES: ReadonlySet<string> = new Set([
  "api.metadata.cloud.ibm.com",
  "metadata.goog",
  "metadata.tencentyun.com",
]);
/** Those of Google and Amazon: alone, as search domains complete them, or with such a domain. */
const METADATA_LABELS: ReadonlySet<string> = new Set(["metadata", "instance-data"]);

type Subnet = readonly [address: string, prefixBits: number];

/** The IPv4 nets also in the forms in which IPv6 hides them: NAT64 and 6to4 (mapped is built in). */
function blockList(ipv4: readonly Subnet[], ipv6: readonly Subnet[]): BlockList {
  const list = new BlockList();
  for (const [address, bits] of ipv4) {
    list.addSubnet(address, bits, "ipv4");
    const octets = address.split(".").map(Number);
    const [high, low] = [0, 2].map((i) =>
      (((octets[i] ?? 0) << 8) | (octets[i + 1] ?? 0)).toString(16),
    );
    list.addSubnet(`64:ff9b::${high}:${low}`, 96 + bits, "ipv6");
    list.addSubnet(`2002:${high}:${low}::`, 16 + bits, "ipv6");
  }
  for (const [address, bits] of ipv6) list.addSubnet(address, bits, "ipv6");
  return list;
}

/** The kind of an IP address in text form, IPv6 without brackets. */
export function kindOfAddress(address: string): AddressKind {
  const bare = address.split("%", 1)[0] ?? "";
  const family = isIP(bare) === 4 ? "ipv4" : "ipv6";
  if (SPECIAL.check(bare, family)) return "special";
  if (LOOPBACK.check(bare, family)) return "loopback";
  return PRIVATE.check(bare, family) ? "private" : "public";
}

/** Whether a hop of this reach may connect to an address of this kind. */
export function mayConnect(reach: Reach, kind: AddressKind): boolean {
  if (reach === "named") return true;
  switch (kind) {
    case "public":
      return true;
    case "private":
      return reach !== "public";
    case "loopback":
      return reach === "loopback";
    case "special":
      return false;
  }
}

/** Whether a host name is one by which clouds call their metadata services. */
export function isMetadataName(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/\.$/, "");
  if (METADATA_NAMES.has(name)) return true;
  const [first = "", ...rest] = name.split(".");
  return METADATA_LABELS.has(first) && (rest.length === 0 || rest.at(-1) === "internal");
}

/**
 * Where redirects may lead from a host with addresses of these kinds: the narrowest of them all,
 * and `public` when none is known (a proxy resolves the name, or it is one that servers use).
 */
export function reachFrom(kinds: readonly AddressKind[]): Reach {
  if (kinds.length === 0 || kinds.includes("public") || kinds.includes("special")) return "public";
  return kinds.includes("private") ? "private" : "loopback";
}

/**
 * Guards one connection: refuses an address or a metadata service's name in the URL here and now,
 * and returns the look-up that passes on only the addresses that may be connected to. What was
 * checked is what is connected to, so a name that changes its address between check and use (DNS
 * rebinding) gains nothing.
 *
 * @param note - told the kinds of all addresses that the host has
 * @param isAllowed - whether servers may name this address, be it private; of special ones none
 * @throws HttpError `HTTP_ADDRESS_REFUSED`, also through the look-up
 * @see registry.md §13.1, SSRF policy
 */
export function guardedLookup(
  url: URL,
  reach: Reach,
  resolve: Resolve,
  note: (kinds: readonly AddressKind[]) => void,
  isAllowed: (address: string) => boolean,
): LookupFunction {
  const may = (address: string): boolean => {
    const kind = kindOfAddress(address);
    return mayConnect(reach, kind) || (kind !== "special" && isAllowed(address));
  };
  const host = bareHost(url.hostname);
  if (isIP(host) !== 0) {
    const kind = kindOfAddress(host);
    note([kind]);
    if (!may(host)) throw refused(host, host, kind);
  }
  if (reach !== "named" && isMetadataName(host)) {
    throw new HttpError(
      "HTTP_ADDRESS_REFUSED",
      `${host}: named by a server, expected a host that servers may name, got a metadata service`,
    );
  }
  return (hostname, options, callback) => {
    const checked = async (): Promise<LookupAddress[]> => {
      const addresses = await resolve(hostname);
      note(addresses.map(({ address }) => kindOfAddress(address)));
      const allowed = addresses.filter(({ address }) => may(address));
      const first = addresses[0];
      if (allowed.length === 0 && first !== undefined) {
        throw refused(hostname, first.address, kindOfAddress(first.address));
      }
      return allowed;
    };
    checked().then(
      (addresses) => {
        const first = addresses[0];
        if (first === undefined) {
          callback(Object.assign(new Error(`no address`), { code: "ENOTFOUND" }), "");
        } else if (options.all === true) callback(null, addresses);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => {
        callback(error instanceof Error ? error : new Error(String(error)), "");
      },
    );
  };
}

function refused(host: string, address: string, kind: AddressKind): HttpError {
  const what = kind === "special" ? "link-local, metadata or reserved" : kind;
  return new HttpError(
    "HTTP_ADDRESS_REFUSED",
    `${host}: named by a server, expected an address that servers may name, got the ${what} address ${address}`,
  );
}
