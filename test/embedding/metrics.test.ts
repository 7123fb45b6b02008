import { expect, it, onTestFinished } from 'vitest';
import { type Controller, createBroker, createClient } from '../../src/index.ts';
import { parseExposition, type Sample } from './exposition.ts';
import { startQuorum } from './quorum.ts';

async function scrape({ httpUrl }: Controller): Promise<readonly Sample[]> {
  const answer = await fetch(`${httpUrl}/metrics`);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  return parseExposition(await answer.text());
}

function valueOf(samples: readonly Sample[], name: string, labels: Sample['labels'] = {}): number | null {
  const found = samples.find(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  );
  return found?.value ?? null;
}

const controller = 'kafka_controller_kafkacontroller_';
const raft = 'kafka_server_raftmetrics_';

/** Of surface.md, for what exists. */
const onEveryNode = [
  ...['activecontrollercount', 'activebrokercount', 'fencedbrokercount', 'globaltopiccount'].map(
    named(controller),
  ),
  ...['globalpartitioncount', 'offlinepartitionscount', 'preferredreplicaimbalancecount'].map(
    named(controller),
  ),
  ...['metadataerrorcount', 'lastappliedrecordlagms', 'timedoutbrokerheartbeatcount'].map(named(controller)),
  ...['current_state', 'current_leader', 'current_vote', 'current_epoch', 'high_watermark'].map(named(raft)),
  ...['log_end_offset', 'append_records_rate', 'fetch_records_rate'].map(named(raft)),
  ...['raft_fsync_duration_seconds_bucket', 'raft_election_duration_seconds_sum'].map(named('ottla_')),
  ...['leader_failover_duration_seconds_count', 'event_loop_lag_seconds'].map(named('ottla_')),
  ...['watch_streams', 'watch_lag_records'].map(named('ottla_')),
  'kafka_controller_controllerstats_uncleanleaderelections_total',
];

function named(prefix: string): (name: string) => string {
  return (name) => prefix + name;
}

it('each node of a quorum tells what it has measured, and the leader what only a leader knows', async () => {
  const controllers = await startQuorum(3);
  const endpoints = controllers.map(({ httpUrl }) => httpUrl);
  for (const url of endpoints) {
    await expect.poll(async () => (await fetch(`${url}/readyz`)).status, { timeout: 20_000 }).toBe(200);
  }
  const client = createClient({ endpoints });
  const { leaderId } = await client.getCluster();
  const listeners = [{ name: 'PLAINTEXT', host: '127.0.0.1', port: 9_092 }];
  const broker = createBroker({ controllers: endpoints, id: 7, listeners });
  onTestFinished(async () => void (await broker.close()));
  await broker.whenUnfenced();
  await client.createTopic({ name: 'orders', partitions: 4, replicationFactor: 1 });
  await client.close();

  const leader = controllers[leaderId ?? 0];
  const follower = controllers.find((each) => each !== leader);
  if (leader === undefined || follower === undefined) throw new Error('a quorum has a leader and followers');
  const [ofLeader, ofFollower] = [await scrape(leader), await scrape(follower)];
  for (const samples of [ofLeader, ofFollower]) {
    const names = new Set(samples.map(({ name }) => name));
    expect(onEveryNode.filter((name) => !names.has(name))).toEqual([]);
    expect(valueOf(samples, `${raft}current_leader`)).toBe(leaderId);
    expect(valueOf(samples, 'ottla_raft_fsync_duration_seconds_count')).toBeGreaterThan(0);
    expect(valueOf(samples, 'ottla_raft_election_duration_seconds_count')).toBeGreaterThan(0);
    expect(valueOf(samples, 'process_cpu_seconds_total')).toBeGreaterThan(0);
    // Whoever has a million topics has no more lines than this.
    expect(samples.length).toBeLessThan(400);
  }
  expect(valueOf(ofLeader, `${controller}activecontrollercount`)).toBe(1);
  expect(valueOf(ofFollower, `${controller}activecontrollercount`)).toBe(0);
  expect(valueOf(ofLeader, `${raft}current_state`, { state: 'leader' })).toBe(1);
  expect(valueOf(ofFollower, `${raft}current_state`, { state: 'follower' })).toBe(1);
  expect(valueOf(ofLeader, `${controller}activebrokercount`)).toBe(1);
  expect(valueOf(ofLeader, `${controller}globaltopiccount`)).toBe(1);
  expect(valueOf(ofLeader, `${controller}globalpartitioncount`)).toBe(4);
  expect(valueOf(ofLeader, `${controller}offlinepartitionscount`)).toBe(0);
  expect(valueOf(ofLeader, `${controller}preferredreplicaimbalancecount`)).toBe(0);
  expect(valueOf(ofLeader, `${raft}commit_latency_avg`)).toBeGreaterThan(0);
  expect(valueOf(ofLeader, 'ottla_broker_heartbeat_age_seconds')).toBeGreaterThanOrEqual(0);
  expect(valueOf(ofLeader, 'ottla_leader_failover_duration_seconds_count')).toBe(1);
  expect(ofLeader.filter(({ name }) => name === 'ottla_raft_follower_lag_records')).toHaveLength(2);
  expect(ofFollower.filter(({ name }) => name === 'ottla_raft_follower_lag_records')).toHaveLength(0);
  expect(valueOf(ofFollower, `${raft}fetch_records_rate`)).toBeGreaterThan(0);
  // The broker's own watch is open at one of the three.
  const streams = await Promise.all(controllers.map(scrape));
  const open = streams.map((samples) => valueOf(samples, 'ottla_watch_streams') ?? 0);
  expect(open.reduce((sum, count) => sum + count, 0)).toBe(1);
  const again = await scrape(leader);
  const counted = { method: 'GET', route: '/metrics', status: '200' };
  expect(valueOf(again, 'ottla_http_request_duration_seconds_count', counted)).toBe(2);
});
