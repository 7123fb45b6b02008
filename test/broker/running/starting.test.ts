import { expect, it } from 'vitest';
import type { Files } from '../../../src/ports/files.ts';
import { NodeFiles } from '../../../src/storage/files.ts';
import { leaderOf, startCluster, startOne, temporaryDirectory, untilUnfenced } from './cluster.ts';

/** Files of which no log can be opened until they are let go. */
class HeldFiles implements Files {
  readonly #files = new NodeFiles();
  #held: (() => void)[] | null = [];
  #heard: () => void = () => undefined;
  /** Somebody waits for a log. */
  readonly isWaitedFor = new Promise<void>((resolve) => (this.#heard = resolve));

  readonly submit: Files['submit'] = (operation, complete) => {
    const submit = (): void => this.#files.submit(operation, complete);
    const isLog = operation.kind === 'open' && 'path' in operation && operation.path.endsWith('.log');
    if (!isLog || this.#held === null) return submit();
    this.#held.push(submit);
    this.#heard();
  };

  letGo(): void {
    for (const submit of this.#held ?? []) submit();
    this.#held = null;
  }
}

it('a broker that is asked to stop while it recovers its logs ends, and registers no more', async () => {
  const cluster = await startCluster();
  const directory = temporaryDirectory();
  const before = await startOne(cluster, { id: 1, directory });
  await untilUnfenced(cluster, [1]);
  await cluster.client.createTopic({ name: 'orders', assignments: [[1], [1]] });
  await leaderOf(cluster, [before], 'orders', 1);
  await before.stop();

  const files = new HeldFiles();
  const events: string[] = [];
  const onEvent = ({ type }: { readonly type: string }): void => void events.push(type);
  const recovering = await startOne(cluster, { id: 1, directory, files, onEvent });
  await files.isWaitedFor;
  const stopped = recovering.stop();
  files.letGo();
  expect(await stopped).toEqual({ reason: 'asked', isControlled: true });
  await startOne(cluster, { id: 2 });
  await untilUnfenced(cluster, [2]);
  expect(events).toEqual([]);
});
