import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { NotYet, waitFor } from '../../bench/processes/wait.ts';
import { codeOf, createTopic, topicsOn } from './api.ts';
import { Brokers } from '../../bench/processes/brokers.ts';
import { prepareQuorum } from './harness.ts';
import { canMountDisk, mountDisk, unmountDisk } from './small-disk.ts';

const diskBytes = 48 * 1024 * 1024;
const reserveBytes = 24 * 1024 * 1024;
const fillBytes = 34 * 1024 * 1024;

describe('a full disk', () => {
  it.runIf(canMountDisk())(
    'has client writes refused by name, and all resumes when there is room again',
    async () => {
      const folder = mountDisk(diskBytes);
      if (folder === null) throw new Error('a disk could be mounted a moment ago');
      const settings = {
        segmentBytes: 262_144,
        diskReserveBytesMin: reserveBytes,
        logRetentionBytes: 262_144,
      };
      // Registered first, so that it runs last: the disk goes when its processes are gone.
      onTestFinished(() => unmountDisk(folder));
      const quorum = await prepareQuorum({ folder, settings });
      await quorum.start();
      const { leader } = await quorum.waitForLeader();
      const brokers = await Brokers.start(quorum, 1);
      onTestFinished(async () => await brokers.close());
      const before = await createTopic(leader, 'before', 2);

      const filler = join(folder, 'filler');
      writeFileSync(filler, Buffer.alloc(fillBytes));
      const refusal = await waitFor(
        'a write is refused for want of space',
        async () => {
          const { leader: current } = await quorum.waitForLeader();
          const name = `maybe-${Math.trunc(performance.now())}`;
          const answer = await current.ask('POST', '/v1/topics', { body: { name, replicationFactor: 1 } });
          // While the nodes notice one after the other, leadership may move, and an outcome be unknown.
          return answer.status === 507 ? answer : new NotYet(`${answer.status} ${answer.text}`);
        },
        { describe: () => quorum.dump() },
      );
      expect(codeOf(refusal)).toBe('STORAGE_LOW');
      // Fencing and control go on: the broker's heartbeats are answered, reads are served.
      const [broker] = await brokers.waitUntilUnfenced(quorum);
      expect(broker?.isFenced).toBe(false);
      for (const controller of quorum.controllers) {
        expect(controller.isRunning).toBe(true);
        expect((await topicsOn(controller, before.offset)).map(({ key }) => key)).toContain('before');
      }

      rmSync(filler);
      await waitFor(
        'writes are taken again',
        async () => {
          const { leader: current } = await quorum.waitForLeader();
          const answer = await current.ask('POST', '/v1/topics', {
            body: { name: 'after', replicationFactor: 1 },
          });
          return answer.status === 201 ? true : new NotYet(answer.text);
        },
        { describe: () => quorum.dump() },
      );
    },
  );

  it.runIf(canMountDisk())(
    'stops a controller from starting, which then asks for room and not for another folder',
    async () => {
      const folder = mountDisk(1_048_576);
      if (folder === null) throw new Error('a disk could be mounted a moment ago');
      onTestFinished(() => unmountDisk(folder));
      const quorum = await prepareQuorum({ folder });
      writeFileSync(
        join(folder, 'filler'),
        Buffer.alloc(statfsSync(folder).bavail * statfsSync(folder).bsize),
      );
      const [controller] = quorum.controllers;
      if (controller === undefined) throw new Error('there is no controller');
      await controller.start();
      expect((await controller.child.waitForEnd()).code).toBe(8);
      expect(controller.child.output).toMatch(/no space left on device.*Make room on its disk/i);
      expect(controller.child.output).not.toContain('Give a --data-dir');
    },
  );
});
