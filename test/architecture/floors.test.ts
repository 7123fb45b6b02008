import { describe, expect, it } from 'vitest';
import { areas, floorViolations, importersOf, loadedBy } from './floors.ts';
import { purityViolations } from './purity.ts';
import { describeViolations, parseSource, readProject, type Violation } from './source-file.ts';

const project = readProject(['src', 'simulator'], ['.ts', '.tsx']).map(({ path, text }) =>
  parseSource(path, text),
);

describe('this project', () => {
  it('has no import from a lower floor to a higher one, nor between areas that must not know each other', () => {
    expect(project.flatMap((file) => describeViolations(file.path, floorViolations(file)))).toEqual([]);
  });

  it('keeps its pure folders free of time, chance, input, output and shared state', () => {
    expect(project.flatMap((file) => describeViolations(file.path, purityViolations(file)))).toEqual([]);
  });

  it('imports sorted-btree in at most one file, because its default export differs between loaders', () => {
    const everything = readProject(['src', 'simulator', 'test', 'bench'], ['.ts']);
    const sources = everything.map(({ path, text }) => parseSource(path, text));
    expect(importersOf('sorted-btree', sources).slice(1)).toEqual([]);
  });

  it.each(['src/index.ts', 'src/client/index.ts', 'src/testing/index.ts'])(
    'loads no command, console or API browser when %s is embedded',
    (face) => {
      const unwanted = /^(src\/cli\/|src\/console\/|commander$|@fastify\/swagger)/;
      expect([...loadedBy(face, project)].filter((loaded) => unwanted.test(loaded))).toEqual([]);
    },
  );

  it('names in the table of areas only areas that are in it', () => {
    const named = Object.values(areas).flatMap((area) => area.imports ?? []);
    expect(named.filter((name) => areas[name] === undefined)).toEqual([]);
  });
});

function floorsOf(path: string, text: string): readonly Violation[] {
  return floorViolations(parseSource(path, text));
}

describe('the check of floors', () => {
  it.each([
    ['src/raft/vote.ts', "import { assert } from '../base/assert.ts';"],
    ['src/raft/vote.ts', "import type { Log } from './log.ts';"],
    ['src/raft/rpc/vote.ts', "import { log } from '../log.ts';"],
    ['src/base/map.ts', "import S from 'sorted-btree';"],
    ['src/metadata/resources/topic/operations.ts', "import { Type } from 'typebox';"],
    ['src/codec/batch.ts', "import { crc32 } from 'node:zlib';\nimport type { B } from '../raft/batch.ts';"],
    ['src/runtime/node.ts', "import { readFile } from 'node:fs/promises';\nimport '../raft/step.ts';"],
    ['src/http/server.ts', "import fastify from 'fastify';\nimport '../runtime/node.ts';"],
    ['src/client/client.ts', "import http from 'node:http';\nimport '../codec/watch.ts';"],
    ['src/main.ts', "import './cli/main.ts';"],
    ['simulator/world.ts', "import '../src/runtime/node.ts';\nimport './disk.ts';\nimport 'node:fs';"],
    [
      'simulator/client.ts',
      "import '../src/client/core/session.ts';\nimport '../src/broker/broker-core.ts';",
    ],
    ['src/raft/vote.ts', "// import '../http/server.ts'\nexport const text = \"import 'node:fs'\";"],
  ])('allows %s: %s', (path, text) => {
    expect(floorsOf(path, text)).toEqual([]);
  });

  it.each([
    ['src/base/assert.ts', "import '../raft/step.ts';", /floor 0 never imports floor 1/],
    ['src/raft/step.ts', "import { t } from '../metadata/image.ts';", /never imports src\/metadata/],
    ['src/raft/step.ts', "import type { t } from '../metadata/image.ts';", /never imports src\/metadata/],
    ['src/metadata/image.ts', "export * from '../raft/step.ts';", /never imports src\/raft/],
    ['src/metadata/image.ts', "export { a } from '../codec/schema.ts';", /never imports src\/codec/],
    ['src/metadata/image.ts', "export type A = import('../raft/step.ts').A;", /never imports src\/raft/],
    ['src/balancer/goals.ts', "import '../raft/step.ts';", /never imports src\/raft/],
    ['src/codec/batch.ts', "import '../balancer/goals.ts';", /never imports src\/balancer/],
    ['src/codec/batch.ts', "import 'node:fs';", /never uses Node\.js/],
    ['src/raft/step.ts', "import 'node:zlib';", /never uses Node\.js/],
    ['src/raft/step.ts', "import 'fs';", /never uses Node\.js/],
    ['src/raft/step.ts', "const a = import('node:fs');", /never uses Node\.js/],
    ['src/raft/step.ts', 'const a = import(name);', /which its floor does not allow/],
    ['src/raft/step.ts', "import { pack } from 'msgpackr';", /"msgpackr", which its floor does not allow/],
    ['src/ports/files.ts', "import '../runtime/node.ts';", /floor 2 never imports floor 3/],
    ['src/runtime/node.ts', "import '../storage/files.ts';", /floor 3 never imports floor 4/],
    ['src/http/server.ts', "import '../index.ts';", /floor 4 never imports floor 5/],
    ['src/client/client.ts', "import '../http/server.ts';", /src\/client never imports src\/http/],
    ['src/http/server.ts', "import '../../simulator/world.ts';", /which stands on no floor/],
    ['src/elsewhere/file.ts', "import '../base/assert.ts';", /src\/elsewhere stands on no floor/],
    ['src/metadata/resources/topic/a.ts', "import 'fastify';", /a resource never imports fastify/],
    ['src/metadata/resources/topic/a.ts', "import type { T } from '@fastify/swagger';", /@fastify\/swagger/],
    ['simulator/world.ts', "import '../src/http/server.ts';", /floors 0 to 3 and the cores only/],
    ['simulator/world.ts', "import '../src/client/client.ts';", /floors 0 to 3 and the cores only/],
    ['simulator/world.ts', "import '../src/main.ts';", /floors 0 to 3 and the cores only/],
    ['simulator/world.ts', "import '../test/helper.ts';", /floors 0 to 3 and the cores only/],
  ])('refuses %s: %s', (path, text, message) => {
    expect(floorsOf(path, `\n${text}`)).toEqual([{ line: 2, message: expect.stringMatching(message) }]);
  });

  it('follows values through files, and neither types nor dynamic imports', () => {
    const sources = [
      parseSource('src/index.ts', "import './a.ts';\nimport type { B } from './b.ts';\nimport('./c.ts');"),
      parseSource('src/a.ts', "export { d } from './d.ts';\nimport 'undici/fetch';"),
    ];
    expect([...loadedBy('src/index.ts', sources)]).toEqual([
      'src/index.ts',
      'src/a.ts',
      'src/d.ts',
      'undici',
    ]);
    expect(importersOf('undici', sources)).toEqual(['src/a.ts']);
  });

  it('refuses a file that it cannot read instead of finding nothing in it', () => {
    expect(() => floorsOf('src/raft/step.ts', 'import {')).toThrow('src/raft/step.ts cannot be parsed');
  });
});
