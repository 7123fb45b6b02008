import { beforeEach, describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { type PopulatedCluster, servePopulated } from './populated.ts';

let cluster: PopulatedCluster;
beforeEach(async () => {
  cluster = await servePopulated();
});

describe('ottla broker', () => {
  it('cordons, says so, and uncordons', async () => {
    expect((await cluster.run('broker', 'cordon', '1')).out).toBe('Broker 1 gets no new replicas.\n');
    expect((await cluster.run('broker', 'list')).out).toContain('unfenced, cordoned');
    expect((await cluster.run('broker', 'uncordon', '1')).out).toBe('Broker 1 gets new replicas again.\n');
    expect((await cluster.run('broker', 'list')).out).not.toContain('cordoned');
  });

  it('says before a drain what stands in its way, and moves what it can', async () => {
    await cluster.run('topic', 'create', 'small', '--assignments', '[[1]]');
    const before = cluster.controller.image.endOffset;
    const looked = await cluster.run('broker', 'drain', '1', '--dry-run');
    expect([looked.exitCode, cluster.controller.image.endOffset]).toEqual([exitCodes.conflict.code, before]);
    expect(looked.out).toContain('Broker 1 could be drained of 1 replicas. Nothing was changed.');
    expect(looked.out).toMatch(/orders +0 +NO_BROKER_LEFT +No other broker can take it/);
    expect(looked.err).toContain('2 replicas of broker 1 cannot leave it.');
    const drained = await cluster.run('broker', 'drain', '1', '-o', 'json');
    expect(JSON.parse(drained.out)).toMatchObject({
      brokerId: 1,
      replicaCount: 3,
      reassigned: 1,
      blockers: [{ topic: 'orders' }, { topic: 'orders' }],
    });
    expect((await cluster.run('reassignment', 'list')).out).toMatch(/small +0 +1 +2,1 +2 +1 +1\n/);
    expect((await cluster.run('broker', 'drain', '1')).out).toContain('; 1 more leave it already');
  });

  it('says of one that has nothing that it can be stopped', async () => {
    await cluster.run('topic', 'delete', 'orders');
    const { out, exitCode } = await cluster.run('broker', 'drain', '1');
    expect([out, exitCode]).toEqual(['Broker 1 is cordoned and has no replica: it can be stopped.\n', 0]);
    expect((await cluster.run('broker', 'drain', 'x')).exitCode).toBe(exitCodes.usage.code);
  });
});
