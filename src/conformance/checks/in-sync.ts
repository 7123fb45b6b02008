import type { Check } from '../check.ts';
import { isAcknowledged } from '../data/broker-data.ts';
import type { KitTopic } from '../data/cluster.ts';
import type { Peer } from '../data/peer.ts';
import type { SeenRequest } from '../gateway/seen-request.ts';
import type { Kit } from '../kit.ts';
import { Inconclusive, RuleBroken } from '../verdict.ts';
import { patienceMs, pause } from '../waiting.ts';

/** What a leader proposes for one partition, as it stands in its request. */
type Proposal = {
  readonly topicId: string;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly newIsr: readonly { readonly brokerId: number; readonly brokerEpoch: number }[];
};

const records = 3;

/** The broker leads alone; a peer has a replica, is active, and is not in sync. */
async function leadAlone(kit: Kit): Promise<{ topic: KitTopic; peer: Peer }> {
  const { data } = kit;
  const [peer] = data.peers;
  const topic = await data.createLed([peer.id]);
  await peer.fence();
  await peer.unfence();
  await data.waitForMetadata();
  const { isr } = await data.partition(topic);
  if (isr.length !== 1) throw new Inconclusive(`The in-sync replicas are ${isr.join(', ')}.`);
  await data.fill(topic, records);
  return { topic, peer };
}

function proposalsFor({ gateway }: Kit, { topicId }: KitTopic, member: number): readonly Proposal[] {
  const all = gateway.of('alterPartition').flatMap((request) => proposalsOf(request));
  return all.filter(
    (proposal) => proposal.topicId === topicId && proposal.newIsr.some(({ brokerId }) => brokerId === member),
  );
}

function proposalsOf({ body }: SeenRequest): readonly Proposal[] {
  const { partitions } = body as { readonly partitions?: readonly Proposal[] };
  return partitions ?? [];
}

/** The peer catches up, and goes on fetching until the broker proposes it. */
async function untilProposed(kit: Kit, topic: KitTopic, peer: Peer): Promise<Proposal> {
  return await kit.expect('A proposal of the follower that has caught up', async () => {
    await kit.data.fetchAs(peer, topic, { fetchOffset: records, flushedOffset: records });
    return proposalsFor(kit, topic, peer.id)[0];
  });
}

const fetchesBehind = 12;

const isrEnter: Check = {
  rule: 'isr-enter',
  needsData: true,
  run: async (kit) => {
    const { data, gateway } = kit;
    gateway.treat('alterPartition', { type: 'silence' });
    const { topic, peer } = await leadAlone(kit);
    for (let count = 0; count < fetchesBehind; count++) {
      await data.fetchAs(peer, topic, { fetchOffset: 0, flushedOffset: 0 });
      await pause(50);
    }
    if (proposalsFor(kit, topic, peer.id).length > 0) {
      throw new RuleBroken(
        'A follower is proposed only when its flushed end has reached the high watermark.',
        `The high watermark was ${records}, broker ${peer.id} had nothing, and it was proposed.`,
      );
    }
    await untilProposed(kit, topic, peer);
  },
};

const isrCompareAndSet: Check = {
  rule: 'isr-compare-and-set',
  needsData: true,
  run: async (kit) => {
    const { data, gateway, client, brokerId } = kit;
    gateway.treat('alterPartition', { type: 'silence' });
    const { topic, peer } = await leadAlone(kit);
    const { leaderEpoch, partitionEpoch } = await data.partition(topic);
    const proposal = await untilProposed(kit, topic, peer);
    const demanded = 'A proposal names the epochs that it rests on, and each member’s broker epoch.';
    const own = await client.describeBroker({ brokerId });
    const expected = new Map([
      [brokerId, own.brokerEpoch],
      [peer.id, peer.epoch],
    ]);
    if (proposal.leaderEpoch !== leaderEpoch || proposal.partitionEpoch !== partitionEpoch) {
      throw new RuleBroken(
        demanded,
        `The partition was at leader epoch ${leaderEpoch} and partition epoch ${partitionEpoch}, and it named ${proposal.leaderEpoch} and ${proposal.partitionEpoch}.`,
      );
    }
    const wrong = proposal.newIsr.find((member) => expected.get(member.brokerId) !== member.brokerEpoch);
    if (wrong === undefined) return;
    throw new RuleBroken(
      demanded,
      `Broker ${wrong.brokerId} has epoch ${String(expected.get(wrong.brokerId))}, and it named ${wrong.brokerEpoch}.`,
    );
  },
};

const isrUnknown: Check = {
  rule: 'isr-unknown',
  needsData: true,
  after: 'acknowledge-below',
  run: async (kit) => {
    const { data, gateway } = kit;
    gateway.treat('alterPartition', { type: 'silence' });
    const { topic, peer } = await leadAlone(kit);
    await untilProposed(kit, topic, peer);
    if (!isAcknowledged(await data.produce(topic, 'all', 1_500))) return;
    throw new RuleBroken(
      'Until it is known what became of a proposal, both in-sync sets count.',
      `It had proposed broker ${peer.id} and not been answered, and acknowledged a record that broker ${peer.id} had not fetched.`,
    );
  },
};

const isrRefused: Check = {
  rule: 'isr-refused',
  needsData: true,
  run: async (kit) => {
    const { gateway } = kit;
    gateway.treat('alterPartition', { type: 'silence' });
    const { topic, peer } = await leadAlone(kit);
    let refused = 0;
    gateway.treat('alterPartition', (request) => {
      const isLookedAt = proposalsOf(request).some(({ topicId }) => topicId === topic.topicId);
      if (!isLookedAt || refused++ > 0) return { type: 'pass' };
      const message = 'The conformance kit says that another controller leads.';
      return { type: 'refuse', code: 'NOT_CONTROLLER', message };
    });
    await untilProposed(kit, topic, peer);
    const sinceMs = performance.now();
    const asked = await kit.find(async () => {
      await kit.data.fetchAs(peer, topic, { fetchOffset: records, flushedOffset: records });
      return proposalsFor(kit, topic, peer.id).length > 1 || undefined;
    });
    if (asked !== null) return;
    kit.missing(
      sinceMs,
      'A leader whose proposal is answered NOT_CONTROLLER asks again.',
      `It was, and did not within ${patienceMs} ms.`,
    );
  },
};

export const inSyncChecks: readonly Check[] = [isrCompareAndSet, isrEnter, isrUnknown, isrRefused];
