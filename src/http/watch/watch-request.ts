import { isOffset, isUuid } from '../../base/brands.ts';
import { failed, ok, type Result } from '../../base/result.ts';
import type { WatchQuery } from '../../client/protocol/watch.ts';
import type { WatchRequest } from '../../runtime/watch/watch-api.ts';
import { checkInput, type CompiledOperation } from '../compiled-operation.ts';

/** `compiled` is the watch, `query` its parameters as texts. */
export function readWatchRequest(
  compiled: CompiledOperation,
  query: Readonly<Record<string, unknown>>,
  lastEventId: string | readonly string[] | undefined,
): Result<WatchRequest, string> {
  const input = checkInput(compiled, {}, query, undefined);
  if (!input.ok) return input;
  // The border to the schema: the check above has established its form.
  const { since, kinds, clusterId } = input.value.query as WatchQuery;
  const resumed = readLastEventId(lastEventId);
  if (!resumed.ok) return resumed;
  return ok({
    // Whoever comes again asks for the same address, and says beside it how far it has come.
    since: resumed.value ?? (isOffset(since) ? since : null),
    clusterId: isUuid(clusterId) ? clusterId : null,
    kinds: kinds ?? null,
  });
}

function readLastEventId(
  header: string | readonly string[] | undefined,
): Result<WatchRequest['since'], string> {
  if (header === undefined || header === '') return ok(null);
  const value = typeof header === 'string' && /^\d{1,16}$/.test(header) ? Number(header) : null;
  return isOffset(value)
    ? ok(value)
    : failed('Last-Event-ID must be the id of an event of this stream, an offset.');
}
