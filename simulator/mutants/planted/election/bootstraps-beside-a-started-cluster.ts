import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the lowest node bootstraps anew though its peers are started',
  source:
    'hashicorp/consul: bootstrap_expect on a wiped server; design 7: if any peer is started, never bootstrap',
  host: 'node',
  workload: 'mixed',
  mark: 'boot',
  patches: [
    {
      file: 'src/raft/bootstrap/bootstrap.ts',
      find: `    if (hello.state === 'started') {
      this.#adopt(hello);
      return;
    }
    if (this.#isStarted()) this.#send`,
      replace: `    if (hello.state === 'started' && !this.#isProposer) {
      this.#adopt(hello);
      return;
    }
    if (this.#isStarted() && hello.state !== 'started') this.#send`,
    },
    {
      file: 'src/raft/bootstrap/bootstrap.ts',
      find: '} else if (this.#peers.every((id) => this.#accepted.has(id))) {',
      replace: `} else if (this.#peers.every((id) => this.#accepted.has(id) || this.#heard.get(id)?.state === 'started')) {`,
    },
  ],
};
