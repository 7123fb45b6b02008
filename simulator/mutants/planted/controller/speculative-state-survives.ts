import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a deposed leader keeps the state that it has computed ahead',
  source: 'KAFKA-13114: renounce cannot revert speculative state',
  host: 'node',
  workload: 'mixed',
  mark: 'role leader',
  patches: [
    {
      file: 'src/runtime/leader/leadership.ts',
      find: `    proposer.close();
    this.#options.forgetProposed();`,
      replace: '    proposer.close();',
    },
    {
      file: 'src/runtime/state/committed-state.ts',
      find: `    assert(
      last === undefined || last.image.endOffset <= baseOffset,
      'a proposed image begins before the end of the one before',
    );
`,
      replace: `    void last;
`,
    },
  ],
};
