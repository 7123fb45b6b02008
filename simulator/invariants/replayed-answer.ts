import { epoch, offset, type Uuid } from '../../src/base/brands.ts';
import { hearCoverageMarks } from '../../src/base/coverage-marks.ts';
import { seededRandom } from '../../src/base/random.ts';
import { ok } from '../../src/base/result.ts';
import { runOperation, runStep } from '../../src/metadata/execute.ts';
import type { MetadataRecord } from '../../src/metadata/registry.ts';
import { createImageBuilder, type MetadataImage } from '../../src/metadata/image.ts';
import type { OperationContext } from '../../src/metadata/operation.ts';
import { operationsById } from '../../src/metadata/operations.ts';
import { smallStep } from '../hosts/node/node-host.ts';
import type { ClusterObservation } from '../observation.ts';
import { releases } from '../releases.ts';
import { sameValue } from '../same-value.ts';
import type { CallAnswer } from '../workload/operators/call-ledger.ts';
import { principalOf } from '../workload/operators/planned-call.ts';

/** How the answer to a read differs from what the operation answers on `image`; null when it does not. */
export function findOtherAnswer(
  given: CallAnswer,
  image: MetadataImage,
  cluster: ClusterObservation,
): string | null {
  const expected = executeAgain(given, image, cluster);
  const { result } = given.answer;
  if (
    expected === null ||
    (result.ok && expected.ok && sameValue(shown(expected.value.response), shown(result.response)))
  )
    return null;
  if (!result.ok && !expected.ok && expected.error.code === result.code) return null;
  return `it is answered ${describe(result)}, and the log gives ${describe(expected)}`;
}

/** As any node that runs says. */
function clusterIdOf({ nodes }: ClusterObservation): Uuid | null {
  return nodes.find(({ view }) => view !== null)?.view?.clusterId ?? null;
}

/** Unheard: no node does it. Null when it cannot be executed now. */
export function executeAgain(
  { entry, operationId, input }: Pick<CallAnswer, 'entry' | 'operationId' | 'input'>,
  image: MetadataImage,
  cluster: ClusterObservation,
): ReturnType<typeof runOperation> | null {
  const clusterId = clusterIdOf(cluster);
  const operation = operationsById.get(operationId);
  if (operation === undefined || clusterId === null) return null;
  const context = contextAt(image, clusterId, principalOf(entry.planned.client));
  return hearCoverageMarks(null, () => {
    const first = runOperation(operation, image, input as Parameters<typeof runOperation>[2], context);
    return withFurtherSteps(first, image, context);
  });
}

/**
 * What all its steps together come to, each on the state that those before it leave. It is the first that meets a
 * condition.
 */
function withFurtherSteps(
  first: ReturnType<typeof runOperation>,
  image: MetadataImage,
  context: OperationContext,
): typeof first {
  const records: MetadataRecord[] = [];
  let now = image;
  let ran = first;
  while (ran.ok) {
    const { next = null } = ran.value;
    records.push(...ran.value.records);
    if (next === null) {
      const modifiedOffset = first.ok ? (first.value.modifiedOffset ?? null) : null;
      return ok({ ...ran.value, records, modifiedOffset });
    }
    const builder = createImageBuilder(now);
    for (const [at, record] of ran.value.records.entries()) {
      const position = { offset: offset(now.endOffset + at), epoch: context.epoch };
      builder.replay(record, { ...position, timestampMs: context.timestampMs });
    }
    now = builder.freeze(offset(now.endOffset + ran.value.records.length), context.epoch);
    ran = runStep(next, now, { ...context, nextOffset: now.endOffset });
  }
  return ran;
}

function contextAt(image: MetadataImage, clusterId: Uuid, principal: string): OperationContext {
  return {
    nextOffset: image.endOffset,
    epoch: epoch(image.epoch),
    timestampMs: image.timestampMs,
    random: seededRandom(1),
    clusterId,
    principal,
    sessions: { sessionTimeoutMs: 1, isLive: () => false, metadataOffset: () => null },
    groupSessions: { isLive: () => false },
    quorum: { supported: releases.newer.features, kraftVersion: 0, voters: [], isChanging: false },
    recordsPerStepMax: smallStep,
  };
}

/**
 * An answer without what each node says for itself: what its software supports, and the protocol; and of the
 * place where a listing goes on, which image the node keeps for it.
 */
function shown(response: unknown): unknown {
  if (typeof response !== 'object' || response === null) return response;
  if ('finalized' in response) return response.finalized;
  if (!('continue' in response) || typeof response.continue !== 'string') return response;
  return { ...response, continue: response.continue.replace(pinnedImage, '') };
}

/** The offset of the image, and the node that keeps it. */
const pinnedImage = /^\d+:\d+:/;

export function describe(result: object): string {
  return JSON.stringify(result).slice(0, 200);
}
