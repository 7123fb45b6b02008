import { supports } from '../../src/metadata/resources/feature/supported.ts';
import { sameReplica } from '../../src/raft/replica-key.ts';
import type { MetadataWitness } from '../metadata-witness.ts';
import type { Checker, ClusterObservation, ObservedNode } from '../observation.ts';

/**
 * A level of a feature is finalized only when every controller and every broker that has registered says that it
 * supports it, and when the software of every voter does in truth.
 */
export function finalizedLevelsAreSupported(cluster: ClusterObservation, witness: MetadataWitness): Checker {
  const checker: Checker = {
    name: 'a finalized level is supported by all',
    source: 'KIP-584; KIP-919',
  };
  witness.watchers.push({
    onRecord({ record, offset, before }) {
      if (record.type !== 'FeatureLevelRecord' || record.featureLevel === 0) return;
      const { name, featureLevel } = record;
      const refuse = (who: string): void =>
        cluster.fail(checker, `${name} ${featureLevel} at ${offset}, which ${who} does not support`);
      for (const { controllerId, features } of before.controller.controllers.values()) {
        if (!supports(features, name, featureLevel)) refuse(`controller ${controllerId}`);
      }
      for (const { brokerId, features } of before.broker.brokers.values()) {
        if (!supports(features, name, featureLevel)) refuse(`broker ${brokerId}`);
      }
      for (const node of votersOf(cluster)) {
        if (!supports(node.supported.features, name, featureLevel)) refuse(`the voter ${node.process.name}`);
      }
    },
  });
  return checker;
}

function votersOf({ nodes }: ClusterObservation): readonly ObservedNode[] {
  const voters = nodes.find(({ view }) => view?.role === 'leader')?.view?.voters ?? [];
  return nodes.filter(({ key }) => voters.some((voter) => sameReplica(voter, key)));
}
