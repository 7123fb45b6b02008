import type { Check } from '../check.ts';
import { isAcknowledged, shownRecords } from '../data/broker-data.ts';
import type { Peer } from '../data/peer.ts';
import type { DataCluster, KitTopic } from '../data/cluster.ts';
import type { Kit } from '../kit.ts';
import { Inconclusive, RuleBroken } from '../verdict.ts';

/** A leader with an in-sync follower that has fetched nothing, and whose proposals come to nothing. */
async function leadOverPeer(kit: Kit): Promise<{ topic: KitTopic; peer: Peer }> {
  const { data, gateway } = kit;
  gateway.treat('alterPartition', { type: 'silence' });
  const [peer] = data.peers;
  const topic = await data.createLed([peer.id]);
  return { topic, peer };
}

async function endOffset(data: DataCluster, topic: KitTopic): Promise<number> {
  const { status, body } = await data.broker.offsets(topic.name);
  if (status !== 200) throw new Inconclusive('The broker does not say where its log ends.');
  return Number(body['logEndOffset']);
}

const acknowledgeBelow: Check = {
  rule: 'acknowledge-below',
  needsData: true,
  run: async (kit) => {
    const { data } = kit;
    const { topic, peer } = await leadOverPeer(kit);
    if (isAcknowledged(await data.produce(topic, 'all'))) {
      throw new RuleBroken(
        'With acks=all a leader acknowledges only what all in-sync replicas have flushed.',
        `Broker ${peer.id} was in sync and had fetched nothing, and a record was acknowledged.`,
      );
    }
    const end = await endOffset(data, topic);
    const acknowledged = data.produce(topic, 'all', 10_000);
    await kit.expect('Another record', async () => (await endOffset(data, topic)) > end || undefined);
    const newEnd = await endOffset(data, topic);
    await data.fetchAs(peer, topic, { fetchOffset: newEnd, flushedOffset: newEnd });
    if (!isAcknowledged(await acknowledged)) {
      throw new Inconclusive(
        `Nothing is acknowledged that all in-sync replicas have: ${(await acknowledged).code}.`,
      );
    }
  },
};

const readBelow: Check = {
  rule: 'read-below',
  needsData: true,
  run: async (kit) => {
    const { data } = kit;
    const { topic, peer } = await leadOverPeer(kit);
    await data.fill(topic, 2);
    if (shownRecords(await data.broker.read(topic.name, 0)) > 0) {
      throw new RuleBroken(
        'Readers are shown what lies below the high watermark, and nothing else.',
        `Broker ${peer.id} was in sync and had fetched nothing, and a reader was shown a record.`,
      );
    }
    await data.fetchAs(peer, topic, { fetchOffset: 2, flushedOffset: 2 });
    await kit.expect(
      'What is committed, to readers,',
      async () => shownRecords(await data.broker.read(topic.name, 0)) > 0 || undefined,
    );
  },
};

const flushBeforeAcknowledge: Check = {
  rule: 'flush-before-acknowledge',
  needsData: true,
  after: 'acknowledge-below',
  run: async (kit) => {
    const { data } = kit;
    const { topic, peer } = await leadOverPeer(kit);
    const demanded =
      'The high watermark is the least flushed end, which counts up to the fetch offset at most.';
    const first = data.produce(topic, 'all', 1_500);
    await kit.expect('A record', async () => (await endOffset(data, topic)) > 0 || undefined);
    await data.fetchAs(peer, topic, { fetchOffset: 0, flushedOffset: 1 });
    if (isAcknowledged(await first)) {
      throw new RuleBroken(
        demanded,
        'A follower fetched from 0, said that it had flushed 1, and that was believed.',
      );
    }
    const second = data.produce(topic, 'all', 1_500);
    await kit.expect('Another record', async () => (await endOffset(data, topic)) > 1 || undefined);
    await data.fetchAs(peer, topic, { fetchOffset: 2, flushedOffset: 0 });
    if (isAcknowledged(await second)) {
      throw new RuleBroken(
        demanded,
        'A follower had fetched up to 2 and flushed nothing, and that was acknowledged.',
      );
    }
  },
};

const minIsr: Check = {
  rule: 'min-isr',
  needsData: true,
  run: async (kit) => {
    const { data } = kit;
    const [peer] = data.peers;
    const topic = await data.createLed([peer.id], [{ name: 'min.insync.replicas', value: '2' }]);
    await peer.fence();
    await data.waitForMetadata();
    const { isr } = await data.partition(topic);
    if (isr.length !== 1) throw new Inconclusive(`The in-sync replicas are ${isr.join(', ')}.`);
    const answer = await data.produce(topic, 'all');
    if (answer.status >= 400 && answer.code === 'NOT_ENOUGH_REPLICAS') return;
    const demanded =
      'acks=all is refused by NOT_ENOUGH_REPLICAS while fewer are in sync than min.insync.replicas.';
    if (isAcknowledged(answer))
      throw new RuleBroken(demanded, 'One of two was in sync, and a record was acknowledged.');
    if (answer.code !== 'REQUEST_TIMED_OUT') throw new Inconclusive(`It was answered by ${answer.code}.`);
    throw new RuleBroken(demanded, 'One of two was in sync, and a record was taken in.');
  },
};

const epochStart: Check = {
  rule: 'epoch-start',
  needsData: true,
  run: async (kit) => {
    const { data, gateway, brokerId } = kit;
    gateway.treat('alterPartition', { type: 'silence' });
    const [before, other] = data.peers;
    const { topic, log } = await data.createFollowed(before, [brokerId, other.id]);
    for (let count = 0; count < 3; count++) log.append(`record ${count}`);
    log.highWatermark = 1;
    await kit.expect('The broker’s following', () =>
      before.fetches.find((fetch) => fetch.topicId === topic.topicId && fetch.flushedOffset >= 3),
    );
    await before.fence();
    await data.waitForMetadata();
    const { leader, isr } = await data.partition(topic);
    if (leader !== brokerId || !isr.includes(other.id)) throw new Inconclusive('It was not made the leader.');
    await kit.expect(
      'Its taking records in as the leader',
      async () => isAcknowledged(await data.produce(topic, '1')) || undefined,
    );
    if (shownRecords(await data.broker.read(topic.name, 0)) === 0) return;
    throw new RuleBroken(
      'A new leader shows readers nothing until its high watermark has reached the start of its epoch.',
      'It became the leader at offset 3, knew of 1 that is committed, and showed records to a reader.',
    );
  },
};

const fetchNamesItsEpoch: Check = {
  rule: 'fetch-names-its-epoch',
  needsData: true,
  run: async (kit) => {
    await refusesOthers(kit);
    await namesItsOwn(kit);
  },
};

async function refusesOthers(kit: Kit): Promise<void> {
  const { data } = kit;
  const { topic, peer } = await leadOverPeer(kit);
  const from = { fetchOffset: 0, flushedOffset: 0 };
  const fetched = await data.fetchAs(peer, topic, from);
  if (fetched.error !== '') throw new Inconclusive(`A follower that fetches is refused: ${fetched.error}.`);
  const wrong = [
    ['of a leader epoch that is over', await data.fetchAs(peer, topic, from, { epochChange: -1 })],
    ['of a leader epoch that has not begun', await data.fetchAs(peer, topic, from, { epochChange: 1 })],
    ['of an earlier broker epoch', await data.fetchAs(peer, topic, from, { brokerEpoch: peer.epoch - 1 })],
  ] as const;
  for (const [what, { answer, error }] of wrong) {
    if (answer === null || error !== '') continue;
    throw new RuleBroken('A leader refuses fetches of other epochs.', `A fetch ${what} was answered.`);
  }
}

const names = [
  'currentLeaderEpoch',
  'fetchOffset',
  'flushedOffset',
  'lastFetchedEpoch',
  'brokerEpoch',
] as const;

async function namesItsOwn(kit: Kit): Promise<void> {
  const { data, client, brokerId } = kit;
  const [, leader] = data.peers;
  const { topic, log } = await data.createFollowed(leader, [brokerId]);
  log.append('a record');
  const fetch = await kit.expect('A fetch of the broker’s', () =>
    leader.fetches.find(({ topicId }) => topicId === topic.topicId),
  );
  const { brokerEpoch } = await client.describeBroker({ brokerId });
  const missing = names.find((name) => !Number.isSafeInteger(fetch[name]));
  const demanded =
    'A fetch names broker, broker epoch, leader epoch, both offsets and the epoch fetched last.';
  if (missing !== undefined) throw new RuleBroken(demanded, `It has no ${missing}.`);
  if (fetch.brokerId !== brokerId || fetch.brokerEpoch !== brokerEpoch) {
    const seen = `It named broker ${fetch.brokerId} of epoch ${fetch.brokerEpoch}, and is broker ${brokerId} of ${brokerEpoch}.`;
    throw new RuleBroken(demanded, seen);
  }
}

export const leadingChecks: readonly Check[] = [
  fetchNamesItsEpoch,
  flushBeforeAcknowledge,
  acknowledgeBelow,
  readBelow,
  epochStart,
  minIsr,
];
