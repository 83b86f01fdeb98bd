import { lookup as dnsLookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { QuarryError } from '../errors/index.js';

/**
 * Which addresses a URL from an untrusted source may resolve to. Anyone can write a manifest, so only public addresses
 * are allowed by default. They are checked after name resolution, which catches public names for private addresses.
 */
export interface AddressPolicy {
  /** 127.0.0.0/8 and ::1, for networks on this machine. */
  readonly allowLoopback: boolean;
  /** RFC 1918, unique local, link-local, carrier-grade NAT, multicast, reserved and documentation ranges. */
  readonly allowPrivate: boolean;
}

/** Policy for networks on the internet. */
export const PUBLIC_ONLY: AddressPolicy = { allowLoopback: false, allowPrivate: false };
/** Policy for a network on this machine. */
export const PUBLIC_AND_LOOPBACK: AddressPolicy = { allowLoopback: true, allowPrivate: false };

// IANA special-purpose address registries (RFC 6890 and updates).
const LOOPBACK_V4 = [['127.0.0.0', 8]] as const;
const PRIVATE_V4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const;
const PRIVATE_V6 = [
  ['::', 128],
  // IPv4-compatible and IPv4-translated forms, which reach IPv4 hosts wherever they are routed.
  ['::', 96],
  ['::ffff:0:0:0', 96],
  ['64:ff9b:1::', 48],
  // Teredo.
  ['2001::', 32],
  ['100::', 64],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const;

const LOOPBACK = new BlockList();
const PRIVATE = new BlockList();
for (const [net, prefix] of LOOPBACK_V4) LOOPBACK.addSubnet(net, prefix, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');
for (const [net, prefix] of PRIVATE_V4) PRIVATE.addSubnet(net, prefix, 'ipv4');
for (const [net, prefix] of PRIVATE_V6) PRIVATE.addSubnet(net, prefix, 'ipv6');

/** The IPv4 address inside an IPv4-mapped or NAT64 IPv6 address, which routes to the same place. */
function embeddedV4(address: string): string | undefined {
  const dotted = /^(?:::ffff:|64:ff9b::)(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (dotted?.[1] !== undefined) return dotted[1];
  const hex = /^(?:::ffff:|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(address);
  if (hex?.[1] === undefined || hex[2] === undefined) return undefined;
  const high = Number.parseInt(hex[1], 16);
  const low = Number.parseInt(hex[2], 16);
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

/** Whether `policy` allows dialling `address`, an IPv4 or IPv6 literal without brackets. */
function isAddressAllowed(address: string, policy: AddressPolicy): boolean {
  const plain = embeddedV4(address) ?? address;
  const family = isIP(plain);
  if (family === 0) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  if (LOOPBACK.check(plain, type)) return policy.allowLoopback;
  if (PRIVATE.check(plain, type)) return policy.allowPrivate;
  return true;
}

function refused(host: string, address: string): QuarryError {
  return new QuarryError('ADDRESS_REFUSED', `refusing to connect to ${host}: ${address} is not a public address`, {
    hint: 'addresses from manifests must be public; local networks allow loopback',
    details: { host, address },
  });
}

/** @throws QuarryError `ADDRESS_REFUSED` when the URL contains a forbidden address literal */
export function assertUrlAllowed(url: URL, policy: AddressPolicy): void {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !isAddressAllowed(host, policy)) throw refused(host, host);
}

/** A DNS lookup for sockets that fails with `ADDRESS_REFUSED` when any resolved address is forbidden. */
export function guardedLookup(policy: AddressPolicy): LookupFunction {
  return (hostname, options, callback) => {
    dnsLookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '', 0);
      const bad = addresses.find(({ address }) => !isAddressAllowed(address, policy));
      if (bad !== undefined) return callback(refused(hostname, bad.address) as NodeJS.ErrnoException, '', 0);
      if (options.all) return (callback as (e: null, a: typeof addresses) => void)(null, addresses);
      const first = addresses[0];
      if (first === undefined) return callback(new Error(`no address for ${hostname}`), '', 0);
      callback(null, first.address, first.family);
    });
  };
}
