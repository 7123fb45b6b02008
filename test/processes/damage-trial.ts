import { cpSync } from 'node:fs';
import { join } from 'node:path';
import type { Controller, NodeView } from '../../bench/processes/controller.ts';
import { describeViews, type Quorum } from '../../bench/processes/quorum.ts';
import { NotYet, waitFor } from '../../bench/processes/wait.ts';
import { createTopic, topicsOn } from './api.ts';
import { type Damage, inflict, restore } from './damage.ts';
import { startCluster } from './harness.ts';
import type { StoredEntry } from './ledger.ts';

/** The least segment there can be, so that a short log has several; no checkpoint takes part. */
const settings = { segmentBytes: 4_096, electionTimeoutMs: 300, electionBackoffMaxMs: 300 } as const;
const cannotStartCode = 8;
/** Several election timeouts: in this time a node that wants to lead has asked for votes more than once. */
const watchedMs = 3 * 2 * settings.electionTimeoutMs;

type Scene = {
  readonly quorum: Quorum;
  /** Holds every acknowledged record, and is damaged. */
  readonly damaged: Controller;
  /** Was away while the last records were acknowledged. */
  readonly behind: Controller;
  /** Holds every acknowledged record. */
  readonly whole: Controller;
  readonly topics: readonly StoredEntry[];
  /** Up to where the log was acknowledged. */
  readonly offset: number;
};

/**
 * Two of three nodes hold records that the third has never seen, all three are stopped, and their
 * directories are kept: so the damaged node decides whether the acknowledged records are lost.
 */
export async function setScene(): Promise<Scene> {
  const { quorum, leadership, brokers } = await startCluster({ brokerCount: 1, settings });
  const whole = leadership.leader;
  const [damaged, behind] = quorum.others(whole);
  if (damaged === undefined || behind === undefined) throw new Error('three controllers are needed');
  for (let index = 0; index < 6; index++) await createTopic(whole, `early-${index}`, 2);
  await behind.killHard();
  let offset = 0;
  for (let index = 0; index < 8; index++) offset = (await createTopic(whole, `late-${index}`, 2)).offset;
  await brokers.close();
  await quorum.waitUntilCaughtUp(offset);
  const topics = await topicsOn(whole, offset);
  await Promise.all([whole.killHard(), damaged.killHard()]);
  for (const { place } of quorum.controllers)
    cpSync(place.dataDir, originalOf(quorum, place.id), { recursive: true });
  return { quorum, damaged, behind, whole, topics, offset };
}

function originalOf(quorum: Quorum, id: number): string {
  return join(quorum.folder, `original-${id}`);
}

export type Verdict = 'refused' | 'recovering' | 'observer' | 'serves all';

/** How the damaged node comes up. Fails when it is anything but one of the four. */
async function verdictOf(damaged: Controller, offset: number): Promise<Verdict> {
  return await waitFor<Verdict>(
    'the damaged node has made up its mind',
    async () => {
      const { end, output } = damaged.child;
      if (end !== null) return checkRefusal(end.code, output);
      const view = await damaged.view();
      if (view === null || view.role === 'starting') return new NotYet('it starts');
      if (view.recovering) return 'recovering';
      if (view.isObserver) return 'observer';
      if (view.logEndOffset >= offset) return 'serves all';
      throw new Error(`it votes with a log up to ${view.logEndOffset}, and ${offset} was acknowledged`);
    },
    { describe: () => damaged.dump() },
  );
}

/** A refusal has the exit code of one, and names the file and the place in it. */
function checkRefusal(code: number | null, output: string): 'refused' {
  const namesPlace = /(segment-\d+\.log|quorum-state-[ab]).*\b\d+\b/s.test(output);
  if (code === cannotStartCode && namesPlace) return 'refused';
  throw new Error(`it ended with code ${code ?? 'none'} and the words:\n${output}`);
}

/** The damaged node and the one that is behind are alone: whoever leads there has every acknowledged record. */
async function watchTheTwo(scene: Scene, verdict: Verdict): Promise<void> {
  const { quorum, damaged, behind } = scene;
  if (verdict === 'serves all') {
    await quorum.waitForLeader();
    for (const controller of [damaged, behind]) await checkTopics(controller, scene);
    return;
  }
  const untilMs = performance.now() + watchedMs;
  const isLeading = (view: NodeView | null): boolean => view?.role === 'leader' || view?.active === true;
  await waitFor('nobody has led for a while', async () => {
    const views = await Promise.all([damaged, behind].map((controller) => controller.view()));
    if (views.some(isLeading)) throw new Error(`one leads without every record: ${describeViews(views)}`);
    return performance.now() >= untilMs ? true : new NotYet('the time is not over');
  });
}

async function checkTopics(controller: Controller, { topics, offset }: Scene): Promise<void> {
  const shown = JSON.stringify(await topicsOn(controller, offset));
  if (shown === JSON.stringify(topics)) return;
  throw new Error(
    `controller ${controller.id} shows ${shown} where ${JSON.stringify(topics)} was acknowledged`,
  );
}

/** Throws unless the damage ends in one of the four ways and nothing that was acknowledged is lost. */
export async function tryDamage(scene: Scene, damages: readonly Damage[]): Promise<Verdict> {
  const { quorum, damaged, behind, whole, offset } = scene;
  await Promise.all(quorum.controllers.map(({ child }) => child.kill()));
  for (const { place } of quorum.controllers) restore(place.dataDir, originalOf(quorum, place.id));
  for (const damage of damages) inflict(damaged.place.dataDir, damage);
  await Promise.all([damaged.start(), behind.start()]);
  const verdict = await verdictOf(damaged, offset);
  await watchTheTwo(scene, verdict);
  await whole.start();
  await quorum.waitForLeader();
  await quorum.waitUntilCaughtUp(offset);
  const running = quorum.controllers.filter(({ isRunning }) => isRunning);
  if (running.length !== (verdict === 'refused' ? 2 : 3))
    throw new Error(`a node has ended\n${quorum.dump()}`);
  for (const controller of running) await checkTopics(controller, scene);
  return verdict;
}
