import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a received snapshot is put in force unverified',
  source: 'camunda 4345 and 4346: chunks of a snapshot are not verified; design 18',
  host: 'node',
  workload: 'mixed',
  mark: 'installSnapshot',
  patches: [
    {
      file: 'src/codec/image-loader.ts',
      find: '      if (found !== expectedRoot) return malformed(`the pages have the root ${found}, not ${expectedRoot}`);',
      replace: `      if (found === '') return malformed(\`the pages have the root \${found}, not \${expectedRoot}\`);`,
    },
    {
      file: 'src/runtime/checkpoint/snapshot-receiver.ts',
      find: `    const discarded = yield* wait<Result<null, StoreError>>((done) => this.#stores.discardReceiving(done));
    if (!discarded.ok) return unlessFull('making room for a snapshot', discarded.error);
`,
      replace: '',
    },
    {
      file: 'src/runtime/checkpoint/snapshot-receiver.ts',
      find: '    if (!parsed.ok || !isInOrder || !parsed.value.every(isAcceptable)) {',
      replace: '    if (!parsed.ok) {',
    },
  ],
};
