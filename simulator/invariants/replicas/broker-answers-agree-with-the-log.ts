import type { MetadataImage } from '../../../src/metadata/image.ts';
import { findPartition } from '../../../src/metadata/resources/topic/state.ts';
import type { MetadataWitness } from '../../metadata-witness.ts';
import type { Checker, ClusterObservation } from '../../observation.ts';
import type { BrokerAnswer, BrokerJudge } from '../../workload/brokers/controller-calls.ts';

/**
 * What a broker is told is so in the committed state at the answer's offset:
 * 1. The offset is committed.
 * 2. A registration that succeeds stands there, under the incarnation and the epoch that it names.
 * 3. A heartbeat and an ISR proposal are accepted under the registered epoch alone, and refused as stale
 *    under another; a heartbeat says what the registration says of fencing, and of one that is held that it is
 *    fenced, before it is so.
 * 4. An ISR that is accepted names its members by the epochs under which they are registered.
 * 5. It was proposed for the state in which it was accepted: under the leader epoch and the partition epoch
 *    that the partition had, so that the epoch after the change is the next one (KIP-497: a compare-and-set).
 */
export function brokerAnswersAgreeWithTheLog(
  cluster: ClusterObservation,
  witness: MetadataWitness,
): Checker & BrokerJudge {
  const checker: Checker & BrokerJudge = {
    name: 'what brokers are told agrees with the log',
    source: 'KIP-497, KIP-631, KIP-903; KAFKA-14617, KAFKA-16952; design 10',
    answered(given) {
      const { answer, brokerId, operationId } = given;
      const { offset, result } = answer;
      if (!result.ok && result.code !== 'STALE_BROKER_EPOCH') return;
      const image = witness.imageAt(offset);
      const fault = image === null ? `${cluster.committed.endOffset} is committed` : findFault(given, image);
      if (fault !== null) {
        cluster.fail(checker, `broker ${brokerId} is answered (${operationId}) at ${offset}: ${fault}`);
      }
    },
  };
  return checker;
}

type Member = { readonly brokerId: number; readonly brokerEpoch: number };

/** Fields of the three requests and their responses, as far as a model broker sends and reads them. */
type Request = {
  readonly incarnationId?: string;
  readonly brokerEpoch?: number;
  readonly partitions?: readonly {
    readonly topicId: Parameters<typeof findPartition>[1];
    readonly partition: number;
    readonly leaderEpoch: number;
    readonly partitionEpoch: number;
    readonly newIsr: readonly Member[];
  }[];
};
type Response = {
  readonly brokerEpoch?: number;
  readonly isFenced?: boolean;
  readonly partitions?: readonly {
    readonly code: string | null;
    readonly leaderEpoch: number | null;
    readonly partitionEpoch: number | null;
  }[];
};

function findFault(
  { brokerId, operationId, body, answer }: BrokerAnswer,
  image: MetadataImage,
): string | null {
  const request = body as Request;
  const row = image.broker.brokers.get(brokerId);
  if (row === null) return answer.result.ok ? 'it is not registered' : 'stale, and it is not registered';
  const { result } = answer;
  if (!result.ok) {
    return row.brokerEpoch === request.brokerEpoch ? `stale, and it has epoch ${row.brokerEpoch}` : null;
  }
  const response = result.response as Response;
  if (operationId === 'registerBroker') {
    const isSame = row.incarnationId === request.incarnationId && row.brokerEpoch === response.brokerEpoch;
    return isSame ? null : `epoch ${response.brokerEpoch}, and ${row.brokerEpoch} is registered`;
  }
  if (row.brokerEpoch !== request.brokerEpoch) {
    return `accepted under epoch ${request.brokerEpoch}, and it has ${row.brokerEpoch}`;
  }
  if (operationId === 'heartbeatBroker') {
    const isDenied = response.isFenced === true && image.broker.holds.get(brokerId) !== null;
    const isSame = row.fenced === response.isFenced || isDenied;
    return isSame ? null : `fenced: ${response.isFenced}, and it stands there as ${row.fenced}`;
  }
  return findStaleProposal(request, response) ?? findStaleMember(request, response, image);
}

function findStaleProposal(request: Request, response: Response): string | null {
  for (const [at, { leaderEpoch, partitionEpoch }] of (request.partitions ?? []).entries()) {
    const result = response.partitions?.[at];
    if (result === undefined || result.code !== null) continue;
    const changed = (result.partitionEpoch ?? 0) - partitionEpoch;
    const isSameState = result.leaderEpoch === leaderEpoch && (changed === 0 || changed === 1);
    if (isSameState) continue;
    const proposed = `leader epoch ${leaderEpoch} and partition epoch ${partitionEpoch}`;
    return `an ISR proposed for ${proposed}, and they are ${result.leaderEpoch} and ${result.partitionEpoch}`;
  }
  return null;
}

function findStaleMember(request: Request, response: Response, image: MetadataImage): string | null {
  for (const [at, { newIsr, topicId, partition }] of (request.partitions ?? []).entries()) {
    // A topic that is gone takes its ISRs with it, in the very batch perhaps.
    const isAccepted = response.partitions?.[at]?.code === null;
    if (!isAccepted || findPartition(image.topic, topicId, partition) === null) continue;
    for (const { brokerId, brokerEpoch } of newIsr) {
      const registered = image.broker.brokers.get(brokerId)?.brokerEpoch ?? null;
      if (registered !== brokerEpoch) {
        return `an ISR with broker ${brokerId} of epoch ${brokerEpoch}, which has ${registered}`;
      }
    }
  }
  return null;
}
