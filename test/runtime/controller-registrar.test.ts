import { describe, expect, it } from 'vitest';
import { type Epoch, epoch, nodeId, offset } from '../../src/base/brands.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { ErrorCode } from '../../src/metadata/errors.ts';
import type { ControllerAnswer } from '../../src/runtime/controller-api.ts';
import { ControllerRegistrar } from '../../src/runtime/controller-registrar.ts';
import { runtimeLimits } from '../../src/runtime/limits.ts';
import { incarnationId, TestCluster } from '../metadata/cluster.ts';
import { VirtualProcess } from './support/clock.ts';

const registration = {
  controllerId: 1,
  incarnationId: incarnationId(1),
  listeners: [{ name: 'CONTROLLER', host: 'localhost', port: 9645 }],
  features: [{ name: 'metadata.version', minSupportedVersion: 1, maxSupportedVersion: 2 }],
};

/** A controller in a cluster of the test's own. */
class RegistrarHost extends VirtualProcess {
  readonly cluster = new TestCluster();
  readonly asked: ((answer: ControllerAnswer) => void)[] = [];
  readonly refused: string[] = [];
  ledEpoch: Epoch | null = epoch(1);
  readonly registrar = new ControllerRegistrar({
    registration,
    clock: this.clock,
    random: seededRandom(1),
    image: () => this.cluster.image,
    ledEpoch: () => this.ledEpoch,
    register: (_registration, complete) => this.asked.push(complete),
    onRefused: (code) => this.refused.push(code),
  });

  /** The leader has done it, and says so. */
  accept(): void {
    this.cluster.ok('registerController', { body: registration });
    this.answer({ ok: true, response: {} });
  }

  fail(code: ErrorCode): void {
    this.answer({ ok: false, code, message: '', details: null, retryAfterMs: null });
  }

  answer(result: ControllerAnswer['result']): void {
    const { endOffset } = this.cluster.image;
    const head = { requestId: 0, offset: endOffset, epoch: epoch(1), leaderId: nodeId(0), forwarded: true };
    this.asked.at(-1)?.({ ...head, result });
  }
}

describe('a controller', () => {
  it('registers once it has applied a record of the leader’s epoch, and not before', () => {
    const host = new RegistrarHost();
    host.ledEpoch = null;
    host.registrar.look();
    host.ledEpoch = epoch(2);
    host.registrar.look();
    expect(host.asked).toHaveLength(0);
    host.ledEpoch = epoch(1);
    host.registrar.look();
    expect(host.asked).toHaveLength(1);
  });

  it('asks for one thing at a time, and for nothing once the state has it', () => {
    const host = new RegistrarHost();
    host.registrar.look();
    host.registrar.look();
    expect(host.asked).toHaveLength(1);
    host.accept();
    host.run(10_000);
    host.registrar.look();
    expect(host.asked).toHaveLength(1);
  });

  it('starts again as it was and asks for nothing', () => {
    const host = new RegistrarHost();
    host.cluster.ok('registerController', { body: registration });
    host.registrar.look();
    expect(host.asked).toHaveLength(0);
  });

  it('waits for the state to reach the answer before it judges by it', () => {
    const host = new RegistrarHost();
    host.registrar.look();
    const head = { requestId: 0, epoch: epoch(1), leaderId: nodeId(0), forwarded: true };
    host.asked[0]?.({
      ...head,
      offset: offset(host.cluster.image.endOffset + 1),
      result: { ok: true, response: {} },
    });
    host.run(10_000);
    host.registrar.look();
    expect(host.asked).toHaveLength(1);
    host.cluster.ok('registerController', { body: registration });
    host.registrar.look();
    expect(host.asked).toHaveLength(1);
  });

  it('asks again when it is not answered well, ever less often', () => {
    const host = new RegistrarHost();
    host.registrar.look();
    const askedUntil: number[] = [];
    for (let turn = 0; turn < 8; turn++) {
      host.fail('NOT_CONTROLLER');
      const before = host.asked.length;
      let waitedMs = 0;
      for (; host.asked.length === before && waitedMs < 5_000; waitedMs++) host.run(1);
      askedUntil.push(waitedMs);
    }
    expect(askedUntil[0]).toBeLessThanOrEqual(runtimeLimits.registrationRetryMs + 1);
    expect(askedUntil.at(-1)).toBeGreaterThanOrEqual(runtimeLimits.registrationPauseMs / 2);
    expect(Math.max(...askedUntil)).toBeLessThanOrEqual(runtimeLimits.registrationPauseMs + 1);
    expect(host.refused).toEqual([]);
  });

  it('says so when the cluster has no place for it', () => {
    const host = new RegistrarHost();
    host.registrar.look();
    host.fail('UNSUPPORTED_VERSION');
    expect(host.refused).toEqual(['UNSUPPORTED_VERSION']);
  });

  it('registers again when another has written over it, and not without a pause', () => {
    const host = new RegistrarHost();
    host.registrar.look();
    host.accept();
    host.cluster.ok('registerController', { body: { ...registration, incarnationId: incarnationId(2) } });
    host.registrar.look();
    expect(host.asked).toHaveLength(1);
    host.run(runtimeLimits.registrationPauseMs + 1);
    expect(host.asked).toHaveLength(2);
  });

  it('asks no more when its node has closed', () => {
    const host = new RegistrarHost();
    host.registrar.look();
    host.fail('NOT_CONTROLLER');
    host.registrar.close();
    host.run(10_000);
    host.registrar.look();
    expect(host.asked).toHaveLength(1);
  });
});
