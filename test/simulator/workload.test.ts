import { describe, expect, it } from 'vitest';
import { operations } from '../../src/metadata/operations.ts';
import { quorumOperations } from '../../src/runtime/quorum-operations/definitions.ts';
import { generateSchedule, type WorkloadName } from '../../simulator/faults/generate.ts';
import { nodeHost } from '../../simulator/hosts/node/node-host.ts';
import { runSchedule } from '../../simulator/run.ts';

/** What nobody in the simulator asks for, each with the reason. Better than an entry here is a wider workload. */
const neverAsked: Readonly<Record<string, string>> = {
  addVoter: 'a fault of its own, which asks the core: the bare host has voters, too',
  removeVoter: 'the same',
  ...Object.fromEntries(
    ['listResourceKinds', 'listResources', 'describeResource', 'putResource', 'deleteResource'].map(
      (asked) => [
        asked,
        'no program in the simulator has kinds of its own; `test/testing/resources.test.ts` has them',
      ],
    ),
  ),
};

const known = [...operations.map(({ operationId }) => operationId), ...Object.keys(quorumOperations)];

/** What is asked for in the first seconds of a run. */
function askedIn(workload: WorkloadName, seed: number): readonly string[] {
  const schedule = generateSchedule(seed, workload);
  const config = { ...schedule.config, durationUs: 8_000_000 };
  const { violation, marks } = runSchedule({ schedule: { ...schedule, config }, host: nodeHost });
  expect(violation?.message ?? null, `seed ${seed} of ${workload}`).toBeNull();
  return known.filter((operationId) => marks.has(`asked: ${operationId}`));
}

describe('the workload of the simulator', () => {
  it('asks for every operation that a controller has, or says why it does not', () => {
    const asked = new Set([...askedIn('brokers', 1), ...askedIn('groups', 1)]);
    const missing = (): readonly string[] =>
      known.filter((operationId) => !asked.has(operationId)).toSorted();
    const unasked = Object.keys(neverAsked).toSorted();
    for (let seed = 1; seed <= 40 && missing().length > unasked.length; seed++) {
      for (const operationId of askedIn('operators', seed)) asked.add(operationId);
    }
    expect(missing()).toEqual(unasked);
  });
});
