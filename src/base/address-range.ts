import { BlockList, isIP } from "node:net";

const SUBNET = /^([0-9A-Fa-f.:]+)(?:\/([0-9]{1,3}))?$/;

interface Subnet {
  readonly address: string;
  readonly family: "ipv4" | "ipv6";
  readonly prefixBits: number;
}

function parseSubnet(text: string): Subnet | undefined {
  const [, address = "", prefix] = SUBNET.exec(text) ?? [];
  const version = isIP(address);
  if (version === 0) return undefined;
  const most = version === 4 ? 32 : 128;
  const prefixBits = prefix === undefined ? most : Number(prefix);
  if (prefixBits > most) return undefined;
  return { address, family: version === 4 ? "ipv4" : "ipv6", prefixBits };
}

/** Whether `text` is an IP address, or a subnet as `10.0.0.0/8` or `fd00::/8`. */
export function isAddressRange(text: string): boolean {
  return parseSubnet(text) !== undefined;
}

/**
 * Tells of an IP address whether one of `ranges` has it.
 *
 * @param ranges - each as `isAddressRange` takes it
 * @throws Error for another one: who configures them has checked them
 */
export function addressMatcher(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const range of ranges) {
    const subnet = parseSubnet(range);
    if (subnet === undefined) throw new Error(`${range} is no address and no subnet`);
    list.addSubnet(subnet.address, subnet.prefixBits, subnet.family);
  }
  return (address) => {
    const version = isIP(address);
    return version !== 0 && list.check(address, version === 4 ? "ipv4" : "ipv6");
  };
}
