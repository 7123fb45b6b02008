import { isIPv4, isIPv6 } from 'node:net';

/**
 * Whether a listener on `host` is reachable from this machine alone. A host stands without the brackets that
 * a URL or an endpoint puts around an IPv6 address: with them nothing can be listened on.
 */
export function isLoopbackHost(host: string): boolean {
  if (host.toLowerCase() === 'localhost') return true;
  if (isIPv4(host)) return host.startsWith('127.');
  return isIPv6(host) && (host === '::1' || /^(0{1,4}:){7}0{0,3}1$/.test(host));
}
