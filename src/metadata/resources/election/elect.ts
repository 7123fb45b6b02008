import type { ErrorCode } from '../../errors.ts';
import type { MetadataImage } from '../../image.ts';
import { type Standing, standingOf } from '../broker/activity.ts';
import { electUncleanly, standingIn } from '../topic/leadership.ts';
import { complete, type Membership, membershipChange } from '../topic/membership.ts';
import type { PartitionRow } from '../topic/partition-row.ts';
import { noLeader, type PartitionChangeRecord } from '../topic/records.ts';
import { type TopicPolicies, topicPolicies } from '../topic/topic-policy.ts';

export type ElectionType = 'preferred' | 'unclean';

export type Election = { readonly code: ErrorCode } | { readonly code: null; readonly leader: number };

/** Elects leaders of an image's partitions, one after the other; `records` are what it takes. */
export class Elector {
  readonly records: PartitionChangeRecord[] = [];
  readonly #image: MetadataImage;
  readonly #standing: Standing;
  readonly #policies: TopicPolicies;

  constructor(image: MetadataImage) {
    this.#image = image;
    this.#standing = standingOf(image);
    this.#policies = topicPolicies(image);
  }

  elect(row: PartitionRow, type: ElectionType): Election {
    return type === 'preferred' ? this.#electPreferred(row) : this.#electUncleanly(row);
  }

  #electPreferred(row: PartitionRow): Election {
    const preferred = row.replicas[0] ?? noLeader;
    if (row.leader === preferred) return { code: 'ELECTION_NOT_NEEDED' };
    const isEligible = standingIn(this.#standing, row).isActive(preferred) && row.isr.includes(preferred);
    if (!isEligible) return { code: 'PREFERRED_LEADER_NOT_AVAILABLE' };
    return this.#change(row, { ...row, leader: preferred });
  }

  #electUncleanly(row: PartitionRow): Election {
    if (row.leader !== noLeader) return { code: 'ELECTION_NOT_NEEDED' };
    const slot = this.#image.topic.topics.slotOf(row.topicId);
    if (slot === null) return { code: 'UNKNOWN_TOPIC_OR_PARTITION' };
    const rules = standingIn({ ...this.#standing, policy: this.#policies.ofSlot(slot) }, row);
    const elected = electUncleanly(row, rules);
    if (elected === null) return { code: 'ELIGIBLE_LEADERS_NOT_AVAILABLE' };
    // A reassignment may have waited for this one alone.
    return this.#change(row, complete({ ...row, ...elected }, rules));
  }

  #change(row: PartitionRow, after: Membership): Election {
    const change = membershipChange(row, after);
    if (change !== null) this.records.push(change);
    return { code: null, leader: after.leader };
  }
}
