import type { MetadataWitness } from '../../metadata-witness.ts';
import type { Checker, ClusterObservation } from '../../observation.ts';
import type { BrokerJudge } from '../../workload/brokers/controller-calls.ts';
import { lastProducerIdBlock } from '../../../src/metadata/resources/producer-id/resource.ts';

type Block = { readonly producerIdStart: number; readonly producerIdLength: number };

/**
 * Two producers with one id would pass for one, and a record of the one would be taken for a repetition of the other's:
 * 1. Of two blocks that brokers are told of none has an id of the other.
 * 2. A block that a broker is told of stands in the committed state at the answer's offset.
 */
export function producerIdsAreGivenOnce(
  cluster: ClusterObservation,
  witness: MetadataWitness,
): Checker & BrokerJudge {
  const given: (Block & { readonly brokerId: number })[] = [];
  const checker: Checker & BrokerJudge = {
    name: 'a producer id is given out once',
    source: 'KIP-730',
    answered({ operationId, brokerId, answer: { offset, result } }) {
      if (operationId !== 'allocateProducerIds' || !result.ok) return;
      const { producerIdStart, producerIdLength } = result.response as Block;
      const end = producerIdStart + producerIdLength;
      const block = `${producerIdStart} to ${end - 1}`;
      const other = given.find((each) => {
        return each.producerIdStart < end && producerIdStart < each.producerIdStart + each.producerIdLength;
      });
      if (other !== undefined) {
        cluster.fail(checker, `broker ${brokerId} gets ${block}, of which broker ${other.brokerId} has some`);
      }
      const image = witness.imageAt(offset);
      const next = image === null ? null : (lastProducerIdBlock(image.producerId)?.nextProducerId ?? 0);
      if (next === null || next < end) {
        cluster.fail(checker, `broker ${brokerId} gets ${block} at ${offset}, where ${next} is the next one`);
      }
      given.push({ producerIdStart, producerIdLength, brokerId });
    },
  };
  return checker;
}
