import { assertDefined } from '../../base/assert.ts';
import type { Check } from '../check.ts';
import { isAcknowledged, shownRecords } from '../data/broker-data.ts';
import type { SeenFetch } from '../data/peer.ts';
import type { Kit } from '../kit.ts';
import { Inconclusive, NotApplicable, RuleBroken } from '../verdict.ts';
import { patienceMs, pause } from '../waiting.ts';

const logEnd = 4;
const divergesAt = 2;

const truncateByEpoch: Check = {
  rule: 'truncate-by-epoch',
  needsData: true,
  run: async (kit) => {
    const { data, brokerId } = kit;
    const [leader] = data.peers;
    const { topic, log } = await data.createFollowed(leader, [brokerId]);
    const firstEpoch = log.leaderEpoch;
    // The leader alone is in sync, so that nobody takes its place.
    await leader.propose(topic.name, [leader.id]);
    for (let count = 0; count < logEnd; count++) log.append(`record ${count}`);
    log.highWatermark = 1;
    const fetched = (look: (fetch: SeenFetch) => boolean): SeenFetch | undefined =>
      leader.fetches.find((fetch) => fetch.topicId === topic.topicId && look(fetch));
    await kit.expect('The broker’s following', () => fetched(({ flushedOffset }) => flushedOffset >= logEnd));
    await leader.fence();
    await leader.unfence();
    log.leaderEpoch = (await data.partition(topic)).leaderEpoch;
    leader.fetches = [];
    const ofNewEpoch = ({ currentLeaderEpoch }: SeenFetch): boolean => currentLeaderEpoch === log.leaderEpoch;
    const first = await kit.expect('A fetch under the new epoch', () => fetched(ofNewEpoch));
    if (first.fetchOffset !== logEnd) {
      throw new RuleBroken(
        'A follower cuts its log only where the leader says that their logs part, never at a high watermark.',
        `It had ${logEnd} records, of which 1 was said to be committed. Under a new epoch it fetched from ${first.fetchOffset}, and nobody had said that the logs part.`,
      );
    }
    leader.fetches = [];
    log.divergesAt = { epoch: firstEpoch, endOffset: divergesAt };
    const count = (): number => leader.fetches.filter(({ topicId }) => topicId === topic.topicId).length;
    await kit.expect(
      'Fetches',
      () => fetched(({ fetchOffset }) => fetchOffset < logEnd) ?? (count() > 5 || undefined),
    );
    const after = fetched(({ fetchOffset }) => fetchOffset < logEnd);
    if (after?.fetchOffset === divergesAt) return;
    throw new RuleBroken(
      'A follower cuts its log where the leader says that their logs part.',
      `It was told that they part at ${divergesAt}, and fetched from ${after?.fetchOffset ?? logEnd}.`,
    );
  },
};

const takeAssignments: Check = {
  rule: 'take-assignments',
  needsData: true,
  run: async (kit) => {
    const { data, client, brokerId } = kit;
    const [leader] = data.peers;
    const { topic, log } = await data.createFollowed(leader, []);
    log.append('a record');
    log.highWatermark = 1;
    const sinceMs = performance.now();
    await client.alterPartitionReassignments({
      partitions: [{ topic: topic.name, partition: 0, replicas: [brokerId] }],
    });
    const hasAll = await kit.find(() =>
      leader.fetches.find((fetch) => fetch.topicId === topic.topicId && fetch.flushedOffset >= 1),
    );
    const demanded =
      'A broker follows the leader of what it is assigned, and leads what it is named the leader of.';
    if (hasAll === null) {
      kit.missing(
        sinceMs,
        demanded,
        `A replica was added on it, and it did not fetch it within ${patienceMs} ms.`,
      );
    }
    const replicas = (await data.partition(topic)).replicas;
    await leader.propose(topic.name, replicas);
    const partition = await kit.expect('The end of the reassignment', async () => {
      const now = await data.partition(topic);
      return now.leader === brokerId ? now : undefined;
    });
    const leadsMs = performance.now();
    const led = await kit.find(async () => {
      const answer = await data.produce(topic, '1');
      return isAcknowledged(answer) ? answer : undefined;
    });
    if (led === null)
      return kit.missing(
        leadsMs,
        demanded,
        `It was named the leader, and took nothing in for ${patienceMs} ms.`,
      );
    const { leaderEpoch } = led.body;
    if (leaderEpoch === undefined || leaderEpoch === partition.leaderEpoch) return;
    throw new RuleBroken(
      demanded,
      `It was named the leader under epoch ${partition.leaderEpoch}, and says that it leads under ${JSON.stringify(leaderEpoch)}.`,
    );
  },
};

const ignoreOlder: Check = {
  rule: 'ignore-older',
  needsData: true,
  after: 'take-assignments',
  run: async (kit) => {
    const { data, gateway, brokerId } = kit;
    const [peer] = data.peers;
    const topic = await data.createLed([peer.id]);
    await beginWithState(kit);
    await data.waitForMetadata();
    const old = assertDefined(gateway.metadata.recorded().at(-1), 'a watch is open');
    gateway.treat('heartbeat', { type: 'silence' });
    const moved = await kit.expect('Another leader', async () => {
      const now = await data.partition(topic);
      return now.leader === peer.id ? now : undefined;
    });
    gateway.untreat('heartbeat');
    gateway.dropUnanswered();
    await kit.expect('The broker’s following', () =>
      peer.fetches.find(
        ({ topicId, currentLeaderEpoch }) =>
          topicId === topic.topicId && currentLeaderEpoch === moved.leaderEpoch,
      ),
    );
    const replayed = gateway.of('watch').length;
    gateway.treat('watch', { type: 'replay', stream: old });
    gateway.metadata.cut();
    await kit.expect('Another watch', () => gateway.of('watch').length > replayed || undefined);
    await pause(kit.sessionTimeoutMs / 2);
    if (!isAcknowledged(await data.produce(topic, '1'))) return;
    throw new RuleBroken(
      'Of a partition a broker does not go back to a lower leader epoch, whatever says so.',
      `Broker ${peer.id} led under epoch ${moved.leaderEpoch}. A controller that lags named broker ${brokerId} under an earlier one, and it acknowledged a record.`,
    );
  },
};

/** So that what the watch brings can be repeated from its beginning. */
async function beginWithState(kit: Kit): Promise<void> {
  const { gateway } = kit;
  const isWatching = await kit.find(() => gateway.metadata.count > 0 || undefined, 5_000);
  if (isWatching === null) throw new NotApplicable('The broker does not watch.');
  const since = ({ path, headers }: { readonly path: string; readonly headers: object }): boolean =>
    path.includes('since=') || 'last-event-id' in headers;
  gateway.treat('watch', (request) => {
    const message = 'The conformance kit says that the log does not reach back so far.';
    return since(request) ? { type: 'refuse', code: 'OFFSET_OUT_OF_RANGE', message } : { type: 'pass' };
  });
  gateway.metadata.cut();
  await kit.expect('A watch from the beginning', () => gateway.of('watch').find((watch) => !since(watch)));
}

const deleteWithTheTopic: Check = {
  rule: 'delete-with-the-topic',
  needsData: true,
  run: async (kit) => {
    const { data, client, brokerId } = kit;
    const topic = await data.createLed([]);
    await data.fill(topic, 3);
    await client.deleteTopic({ topic: topic.name });
    await data.waitForMetadata();
    await client.createTopic({ name: topic.name, assignments: [[brokerId]] });
    await data.waitForMetadata();
    const { body } = await kit.expect('The leadership of the broker', async () => {
      const answer = await data.broker.offsets(topic.name);
      return answer.status === 200 ? answer : undefined;
    });
    const shown = shownRecords(await data.broker.read(topic.name, 0));
    if (Number(body['logEndOffset']) === 0 && shown === 0) return;
    throw new RuleBroken(
      'A topic of the same name as one that was deleted is another topic, and does not find the old data.',
      `Its log ends at ${String(body['logEndOffset'])} and ${shown} records are shown, of a topic to which nothing was produced.`,
    );
  },
};

const sequence: Check = {
  rule: 'sequence',
  needsData: true,
  run: async (kit) => {
    const { data } = kit;
    const topic = await data.createLed([]);
    const send = async (baseSequence: number) =>
      await data.broker.produce(topic.name, {
        acks: 'all',
        timeoutMs: 5_000,
        values: ['first', 'second'],
        producer: { producerId: 4_000_000, producerEpoch: 0, baseSequence },
      });
    const first = await send(0);
    if (!isAcknowledged(first)) throw new Inconclusive(`A batch of a producer is refused: ${first.code}.`);
    const again = await send(0);
    if (!isAcknowledged(again) || again.body['baseOffset'] !== first.body['baseOffset']) {
      throw new RuleBroken(
        'A batch that is repeated is acknowledged where it stands.',
        `It stood at ${String(first.body['baseOffset'])}, and its repetition was answered ${again.code || String(again.body['baseOffset'])}.`,
      );
    }
    const gap = await send(7);
    if (!isAcknowledged(gap)) return;
    throw new RuleBroken(
      'A batch that is not the producer’s next one is refused.',
      'After sequences 0 and 1 came 7, and was acknowledged.',
    );
  },
};

const wantFence: Check = {
  rule: 'want-fence',
  needsData: true,
  needsCommand: true,
  run: async (kit) => {
    const { data, gateway, control } = kit;
    const topic = await data.createLed([]);
    let release = (): void => {};
    const looked = new Promise<void>((resolve) => {
      release = resolve;
    });
    gateway.treat('heartbeat', ({ body }) =>
      body['wantFence'] === true ? { type: 'postpone', until: looked } : { type: 'pass' },
    );
    control.stop();
    const wants = (): boolean => gateway.of('heartbeat').some(({ body }) => body['wantFence'] === true);
    await kit.find(() => wants() || !control.isRunning || undefined);
    if (!wants()) throw new NotApplicable('The broker sent no heartbeat with wantFence when it was stopped.');
    const answer = await data.produce(topic, '1', 300);
    release();
    if (!isAcknowledged(answer)) return;
    throw new RuleBroken(
      'A broker has stopped leading before it sends a heartbeat with wantFence.',
      'It had sent one, and acknowledged a record.',
    );
  },
};

export const followingChecks: readonly Check[] = [
  wantFence,
  takeAssignments,
  ignoreOlder,
  deleteWithTheTopic,
  truncateByEpoch,
  sequence,
];
