import { failed, ok, type Result } from '../base/result.ts';
import { defaultHttpLimits, findLimitFault, type HttpLimits } from '../http/options.ts';
import { quarterOfFetchTimeoutMs } from '../raft/limits.ts';
import { type ControllerSettings, defaultSettings } from '../runtime/node-options.ts';
import { segmentBytesMax, segmentBytesMin } from '../runtime/log/open-raft-log.ts';
import { sectorBytes } from '../runtime/log/sectors.ts';

/** The limits of HTTP that may be set, beside what the node itself lets one set. */
export const httpNames = [
  'connectionsMax',
  'connectionsPerAddressMax',
  'requestsPerSecond',
  'requestsBurst',
  'headersTimeoutMs',
  'receiveTimeoutMs',
] as const satisfies readonly (keyof HttpLimits)[];

export type ServerSettings = { readonly node: ControllerSettings; readonly http: HttpLimits };

/** Settings by their own flat names, those of Raft and of HTTP among them; what is not given has its default. */
export function resolveSettings(given: Readonly<Record<string, number>>): Result<ServerSettings, string> {
  const { raft, ...own } = defaultSettings;
  const settings: Record<string, number> = { ...own };
  const raftSettings: Record<string, number> = { ...raft };
  const http: Record<string, number> = { ...defaultHttpLimits };
  const names = [...Object.keys({ ...own, ...raft }), ...httpNames];
  for (const [name, value] of Object.entries(given)) {
    if (!Number.isSafeInteger(value) || value < 0)
      return failed(`${name} must be a whole number, not ${value}.`);
    if (!names.includes(name)) {
      return failed(`There is no setting ${name}. There are: ${names.join(', ')}.`);
    }
    if (Object.hasOwn(own, name)) settings[name] = value;
    else if (Object.hasOwn(raft, name)) raftSettings[name] = value;
    else http[name] = value;
  }
  // Every name of both types is there, since the defaults were copied first.
  const node = { ...settings, raft: raftSettings } as unknown as ControllerSettings;
  const limits = http as unknown as HttpLimits;
  const fault = findFault(node) ?? findLimitFault(limits);
  return fault === null ? ok({ node, http: limits }) : failed(fault);
}

/** The same, flat as they are given. */
export function effectiveSettings(
  given: Readonly<Record<string, number>>,
): Result<Readonly<Record<string, number>>, string> {
  const resolved = resolveSettings(given);
  if (!resolved.ok) return resolved;
  const { raft, ...own } = resolved.value.node;
  const limits = resolved.value.http;
  return ok({ ...own, ...raft, ...Object.fromEntries(httpNames.map((name) => [name, limits[name]])) });
}

/** A relation between settings that does not hold, or null. */
function findFault({ raft, segmentBytes, brokerSessionTimeoutMs }: ControllerSettings): string | null {
  if (segmentBytes % sectorBytes !== 0) return `segmentBytes must be a multiple of ${sectorBytes}.`;
  if (segmentBytes < segmentBytesMin || segmentBytes > segmentBytesMax) {
    return `segmentBytes must be from ${segmentBytesMin} to ${segmentBytesMax}.`;
  }
  if (raft.electionTimeoutMs < 50) return 'electionTimeoutMs must be at least 50.';
  if (raft.fetchTimeoutMs < 50) return 'fetchTimeoutMs must be at least 50.';
  if (raft.requestTimeoutMs < 10) return 'requestTimeoutMs must be at least 10.';
  if (raft.retryBackoffMs < 1) return 'retryBackoffMs must be at least 1.';
  const lingerMaxMs = quarterOfFetchTimeoutMs(raft);
  if (raft.highWatermarkLingerMs > lingerMaxMs || raft.fetchLingerMs > lingerMaxMs) {
    return 'highWatermarkLingerMs and fetchLingerMs must be at most a quarter of fetchTimeoutMs.';
  }
  if (brokerSessionTimeoutMs < 100) return 'brokerSessionTimeoutMs must be at least 100.';
  return null;
}
