import type { MetadataImage } from '../../image.ts';
import { configInForce } from '../config/in-force.ts';
import { eligibleLeaderReplicasVersion, finalizedMetadataVersion } from '../feature/supported.ts';

export const uncleanElectionConfig = 'unclean.leader.election.enable';

/** What the configs in force say of who may lead the partitions of a topic. */
export type TopicPolicy = {
  /** `min.insync.replicas`. */
  readonly minInsyncReplicas: number;
  /** `unclean.leader.election.enable`. */
  readonly allowsUncleanElection: boolean;
  /** Whether the cluster's level of `metadata.version` has eligible leader replicas. */
  readonly hasEligibleReplicas: boolean;
};

/** The policies of an image's topics, each looked up once: many partitions are judged one after the other. */
export type TopicPolicies = { ofSlot(topicSlot: number): TopicPolicy };

export function topicPolicies(image: MetadataImage): TopicPolicies {
  const known = new Map<number, TopicPolicy>();
  return {
    ofSlot(topicSlot) {
      const before = known.get(topicSlot);
      if (before !== undefined) return before;
      const policy = topicPolicy(image, image.topic.topics.rows.row(topicSlot).name);
      known.set(topicSlot, policy);
      return policy;
    },
  };
}

/** A topic that is not there yet has the policy that the cluster has for it. */
export function topicPolicy(image: MetadataImage, topic: string): TopicPolicy {
  const resource = { type: 'topic', name: topic } as const;
  return {
    minInsyncReplicas: Number(configInForce(image, resource, 'min.insync.replicas')),
    allowsUncleanElection: configInForce(image, resource, uncleanElectionConfig) === 'true',
    hasEligibleReplicas: finalizedMetadataVersion(image) >= eligibleLeaderReplicasVersion,
  };
}

/** The effective min ISR: no partition can have more in sync than it has replicas (KIP-966). */
export function effectiveMinIsr({ minInsyncReplicas }: TopicPolicy, replicationFactor: number): number {
  return Math.min(minInsyncReplicas, replicationFactor);
}

/** The same for the rules of leadership, which know of it only where there are eligible leader replicas. */
export function minIsrOf(policy: TopicPolicy, replicationFactor: number): number | null {
  return policy.hasEligibleReplicas ? effectiveMinIsr(policy, replicationFactor) : null;
}
