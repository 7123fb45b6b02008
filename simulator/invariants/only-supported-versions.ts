import type { MetadataImage } from '../../src/metadata/image.ts';
import { findUnsupported } from '../../src/metadata/resources/feature/supported.ts';
import { understands } from '../../src/raft/kraft-version.ts';
import { sameReplica } from '../../src/raft/replica-key.ts';
import type { BatchNode } from '../batch-history.ts';
import type { Checker, ClusterObservation, ObservedNode } from '../observation.ts';

/**
 * 1. No node has a protocol in force, or shows a state with a level of a feature, that its software does not support:
 *    it stops by name before that.
 * 2. A protocol comes into the log together with a voter set, and only when the software of every voter understands
 *    it, as that set says, and in truth.
 */
export function onlySupportedVersions(cluster: ClusterObservation): Checker {
  const judged = new Map<ObservedNode, MetadataImage['feature']>();
  const checker: Checker = {
    name: 'nobody applies what it does not support',
    source: 'design 4; KIP-584; KIP-853, kraft.version',
    afterBoot(node) {
      judged.delete(node);
    },
    afterEvent(node, { kraftVersion, image }) {
      const { kraftVersions, features } = node.supported;
      if (!understands(kraftVersions, kraftVersion)) {
        fail(node, `follows kraft.version ${kraftVersion}, and understands none above ${kraftVersions.max}`);
      }
      if (image === null || judged.get(node) === image.feature) return;
      judged.set(node, image.feature);
      const unsupported = findUnsupported(image, features);
      if (unsupported === null) return;
      fail(node, `shows a state with ${unsupported.name} ${unsupported.featureLevel}`);
    },
    onCommitted(batch) {
      const version = batch.controlRecords.find(({ type }) => type === 'KRaftVersion');
      if (version?.type === 'KRaftVersion') judgeProtocol(batch, version.kraftVersion);
    },
  };

  function judgeProtocol(batch: BatchNode, kraftVersion: number): void {
    const what = `kraft.version ${kraftVersion} at ${batch.baseOffset}`;
    const voterSet = batch.controlRecords.find(({ type }) => type === 'KRaftVoters');
    if (voterSet?.type !== 'KRaftVoters') cluster.fail(checker, `${what} comes without a voter set`);
    for (const voter of voterSet.voters) {
      const node = cluster.nodes.find(({ key }) => sameReplica(key, voter));
      const isSaid = understands(voter.kraftVersions, kraftVersion);
      const isTrue = node === undefined || understands(node.supported.kraftVersions, kraftVersion);
      if (!isSaid || !isTrue) cluster.fail(checker, `${what} is in force for voter ${voter.id}, in vain`);
    }
  }

  function fail({ process }: ObservedNode, what: string): void {
    cluster.fail(checker, `${process.name} ${what}`);
  }
  return checker;
}
