// A broker for the procedures, by the package's own client, over TLS and with a token. It stores nothing, so each of
// its replicas has all that there is as soon as its broker is unfenced: whoever leads proposes just that.
import { readFileSync } from 'node:fs';
import { createBroker, createClient } from 'ottla/client';

const [id = '', controllers = '', authorityFile = '', tokenFile = ''] = process.argv.slice(2);
const access = {
  tls: { authority: readFileSync(authorityFile, 'utf8') },
  token: readFileSync(tokenFile, 'utf8').trim(),
};
const client = createClient({ endpoints: controllers.split(','), ...access });
const broker = createBroker({
  controllers: controllers.split(','),
  id: Number(id),
  listeners: [{ name: 'PLAINTEXT', host: `b${id}.example.org`, port: 9092 }],
  ...access,
});

const lookEveryMs = 500;

async function proposeInSync() {
  const { brokerEpoch } = broker;
  const behind = broker.partitions.filter(
    ({ isLeader, isr, replicas }) => isLeader && isr.length < replicas.length,
  );
  if (behind.length === 0 || brokerEpoch === null || broker.lease.aborted) return;
  const { brokers } = await client.listBrokers();
  const epochs = new Map(
    brokers.filter((each) => !each.isFenced).map((each) => [each.brokerId, each.brokerEpoch]),
  );
  const partitions = behind.map(({ topicId, partition, leaderEpoch, partitionEpoch, replicas }) => ({
    topicId,
    partition,
    leaderEpoch,
    partitionEpoch,
    newIsr: replicas
      .filter((replica) => epochs.has(replica))
      .map((replica) => ({ brokerId: replica, brokerEpoch: epochs.get(replica) })),
  }));
  await client.alterPartition({ brokerId: broker.id, brokerEpoch, partitions });
}

async function followUntilStopped() {
  const stopped = broker.stopped.then(() => 'stopped');
  const pause = () => new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  while ((await Promise.race([stopped, pause()])) !== 'stopped') {
    await proposeInSync().catch((error) => process.stdout.write(`not proposed: ${error.message}\n`));
  }
}

broker.subscribe((event) => process.stdout.write(`${event.type} ${event.reason ?? ''}\n`));
await followUntilStopped();
await client.close();
