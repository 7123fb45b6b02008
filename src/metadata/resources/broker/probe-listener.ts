import type { EndPoint } from './records.ts';

/**
 * The listener by which a broker shows that its process lives: it accepts connections and says nothing on them. Its
 * port is taken anew by each incarnation, and by nobody else (protocols 5).
 */
export const probeListenerName = 'PROBE';

/** Every address of one's own machine, which is that of whoever asks. */
const ownAddresses: ReadonlySet<string> = new Set(['0.0.0.0', '::', '[::]']);

/** Null for a broker that shows none, or none that others can reach: its session alone tells that it is gone. */
export function probeEndpointOf(
  endPoints: readonly EndPoint[],
): { readonly host: string; readonly port: number } | null {
  const found = endPoints.find(({ name }) => name === probeListenerName);
  return found === undefined || ownAddresses.has(found.host) ? null : { host: found.host, port: found.port };
}
