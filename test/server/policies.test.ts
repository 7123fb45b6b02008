import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readPolicies } from '../../src/server/policies.ts';

function moduleOf(text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'ottla-policies-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'policies.mjs');
  writeFileSync(path, text);
  return path;
}

const creation = {
  topic: 'orders',
  partitions: 1,
  replicationFactor: 1,
  assignments: [[1]],
  configs: {},
} as const;

describe('a module of policies', () => {
  it.each([
    ['by name', 'export const createTopic = ({ topic }) => `not ${topic}`;'],
    ['as members of its default', 'export default { createTopic: ({ topic }) => `not ${topic}` };'],
  ])('exports them %s', async (_how, text) => {
    const read = await readPolicies({ policyModule: moduleOf(text) });
    expect(read.ok ? read.value.createTopic?.(creation) : read.error).toBe('not orders');
  });

  it.each([
    ['exports no policy', 'const other = () => null;'],
    ['is no policy; there are createTopic and alterConfig', 'export const alterConfigs = () => null;'],
    ['which is no function', 'export const createTopic = true;'],
    ['cannot be read from', 'export const = ;'],
  ])('is refused with a reason: %s', async (reason, text) => {
    const read = await readPolicies({ policyModule: moduleOf(text) });
    expect(read.ok ? 'read' : read.error).toContain(reason);
  });

  it('is not given beside policies, nor are policies that are none', async () => {
    const createTopic = (): null => null;
    const both = await readPolicies({ policies: { createTopic }, policyModule: './policies.mjs' });
    expect(both.ok ? 'read' : both.error).toContain('not both');
    // As a program without types may give them.
    const misspelt = { alterConfigs: createTopic } as Parameters<typeof readPolicies>[0]['policies'] & object;
    const read = await readPolicies({ policies: misspelt });
    expect(read.ok ? 'read' : read.error).toContain("has 'alterConfigs', which is no policy");
  });

  it('that is not there is named', async () => {
    const read = await readPolicies({ policyModule: './no-such-policies.mjs' });
    expect(read.ok ? 'read' : read.error).toContain('cannot be read from ./no-such-policies.mjs');
  });
});
