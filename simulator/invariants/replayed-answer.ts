import { epoch, type Uuid } from '../../src/base/brands.ts';
import { hearCoverageMarks } from '../../src/base/coverage-marks.ts';
import { seededRandom } from '../../src/base/random.ts';
import { runOperation } from '../../src/metadata/execute.ts';
import type { MetadataImage } from '../../src/metadata/image.ts';
import type { OperationContext } from '../../src/metadata/operation.ts';
import { operationsById } from '../../src/metadata/operations.ts';
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
  return hearCoverageMarks(null, () =>
    runOperation(operation, image, input as Parameters<typeof runOperation>[2], context),
  );
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
    // Whatever takes several steps in truth comes in one.
    recordsPerStepMax: Number.MAX_SAFE_INTEGER,
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
