import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { assert } from '../../src/base/assert.ts';
import { emptyImage, type MetadataImage } from '../../src/metadata/image.ts';
import { operationsById } from '../../src/metadata/operations.ts';
import { silentLogger } from '../../src/ports/logger.ts';
import type { ControllerAnswer, ControllerRequest } from '../../src/runtime/controller-api.ts';
import type { ControllerNode } from '../../src/runtime/controller-node.ts';
import { clientWork } from '../../src/runtime/leader/client-work.ts';
import { Administrators } from '../../src/server/administrators.ts';
import { fakeStatus } from '../http/fake-controller.ts';
import { TestCluster } from '../metadata/cluster.ts';
import { RecordedReply } from '../runtime/support/operations.ts';

/**
 * Two controllers that both take themselves for the leader of a cluster without any administrator: what one of
 * them sends late is passed on to the other, and executed there.
 */
class TwoLeaders {
  readonly cluster = new TestCluster();
  /** What both of them see, until they see what the cluster has. */
  seen: MetadataImage = emptyImage;
  readonly codes: string[] = [];

  node(): ControllerNode {
    const notUsed = (): never => {
      throw new Error('an administrator’s token needs none of this');
    };
    return {
      start: notUsed,
      stop: notUsed,
      status: () => fakeStatus({ active: true }),
      image: () => this.seen,
      findToken: (tokenId) => this.seen.token.tokens.get(tokenId),
      submit: (requests, complete) =>
        setImmediate(() => requests.forEach((each) => complete(this.#take(each)))),
    };
  }

  #take(request: ControllerRequest): ControllerAnswer {
    const { cluster } = this;
    const operation = operationsById.get(request.operationId);
    assert(operation !== undefined, 'there is such an operation');
    const reply = new RecordedReply();
    const context = { ...cluster.context, principal: request.principal };
    const execution = clientWork(operation, request, reply).run(cluster.image, context);
    cluster.append(execution.records);
    execution.answer(reply, cluster.image.endOffset);
    const code = (reply.told ?? '').split(' ')[0] ?? '';
    this.codes.push(code);
    const { endOffset: offset, epoch } = cluster.image;
    const result =
      code === 'ok'
        ? ({ ok: true, response: {} } as const)
        : ({
            ok: false,
            code: 'IDEMPOTENCY_KEY_REUSED',
            message: '',
            details: null,
            retryAfterMs: null,
          } as const);
    return { requestId: request.requestId, offset, epoch, leaderId: null, forwarded: false, result };
  }
}

it('one of two leaders makes the first administrator, and the other forgets the secret that it has written down', async () => {
  const leaders = new TwoLeaders();
  const told: string[] = [];
  const directories = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'ottla-leader-')));
  for (const dataDir of directories) {
    const administrators = new Administrators({
      node: leaders.node(),
      dataDir,
      logger: silentLogger,
      wallMs: () => leaders.cluster.timestampMs,
      onAdministrator: () => told.push(dataDir),
    });
    administrators.start();
    onTestFinished(() => {
      administrators.stop();
      rmSync(dataDir, { recursive: true, force: true });
    });
  }
  await expect.poll(() => leaders.codes.length).toBeGreaterThanOrEqual(2);
  expect(new Set(leaders.codes)).toEqual(new Set(['ok', 'IDEMPOTENCY_KEY_REUSED']));
  expect(leaders.cluster.ok('listTokens', {}).tokens).toHaveLength(1);
  leaders.seen = leaders.cluster.image;
  const file = (directory: string): boolean => existsSync(join(directory, 'administrator-token'));
  await expect.poll(() => directories.filter(file)).toHaveLength(1);
  await expect.poll(() => told).toEqual(directories.filter(file));
});
