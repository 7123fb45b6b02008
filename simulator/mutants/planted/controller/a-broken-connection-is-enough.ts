import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a broker is taken for gone once its connection breaks',
  source: 'protocols 5: refused throughout a short grace',
  host: 'node',
  workload: 'brokers',
  mark: 'broker probe: the connection breaks',
  patches: [
    {
      file: 'src/runtime/sessions/broker-probes.ts',
      find: '        return this.#connect(probed);',
      replace: [
        '        this.#probed.delete(probed.id);',
        '        return this.#options.gone(brokerId(probed.id));',
      ].join('\n'),
    },
  ],
};
