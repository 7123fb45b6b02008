import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'an answer is given before what it saw is committed',
  source: 'KAFKA-15048; design 10; Jepsen, "dirty reads"',
  host: 'node',
  workload: 'mixed',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/runtime/leader/proposer.ts',
      find: `    this.#answers.release(this.#appliedOffset);
  }

  #append`,
      replace: `    this.#answers.release(this.#speculative.endOffset);
  }

  #append`,
    },
  ],
};
