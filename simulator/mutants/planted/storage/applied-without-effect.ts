import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a committed range that could not be read counts as applied',
  source: 'etcd 13766; KAFKA-14644: process should stop after failure in raft IO thread or in apply',
  host: 'node',
  workload: 'disk trouble',
  mark: 'boot',
  patches: [
    {
      file: 'src/runtime/state/committed-state.ts',
      find: `      if (!result.ok) {
        onFailed(\`reading committed records at offset \${stretch.from}: \${result.error.message}\`);
        return;
      }`,
      replace: `      if (!result.ok) {
        this.#show(createImageBuilder(this.#image).freeze(end, this.#image.epoch));
        this.#isReading = false;
        this.#options.onApplied(this.#image, 0);
        this.#advance();
        return;
      }`,
    },
  ],
};
