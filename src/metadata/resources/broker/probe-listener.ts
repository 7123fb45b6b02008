import type { EndPoint } from './records.ts';

/**
 * The listener by which a broker shows that its process lives: it accepts connections and says nothing on them. Its
 * port is taken anew by each incarnation, and by nobody else (protocols 5).
 */
export const probeListenerName = 'PROBE';

/** Null for a broker that shows none: its session alone tells that it is gone. */
export function probeEndpointOf(
  endPoints: readonly EndPoint[],
): { readonly host: string; readonly port: number } | null {
  const found = endPoints.find(({ name }) => name === probeListenerName);
  return found === undefined ? null : { host: found.host, port: found.port };
}
