import { describe, expect, it } from 'vitest';
import { errorCatalogue } from '../../src/metadata/errors.ts';
import { operations, operationsById, operationsByName } from '../../src/metadata/operations.ts';
import { builtInRegistry } from '../../src/metadata/registry.ts';
import { defineKind } from '../../src/metadata/resource.ts';
import { defineRecord, int32 } from '../../src/metadata/schema.ts';

const { recordsById, recordsByName, resources, tables } = builtInRegistry;

const example = defineRecord({ name: 'ExampleRecord', id: 1990, fields: { value: int32 } });
const another = defineRecord({ name: 'AnotherRecord', id: 1991, fields: {} });

type Counter = { count: number };

describe('the registry', () => {
  it('knows every record by name and by id, and a handler for each', () => {
    expect(recordsById.size).toBe(recordsByName.size);
    for (const { schema, resource } of recordsByName.values()) {
      expect(recordsById.get(schema.id)?.schema).toBe(schema);
      expect(typeof resource.replay[schema.name]).toBe('function');
    }
    const handlers = resources.flatMap((resource) => Object.keys(resource.replay));
    expect(new Set(handlers)).toEqual(new Set(recordsByName.keys()));
  });

  it('has every table once, in order of ids', () => {
    const ids = tables.map(({ definition }) => definition.id);
    expect(ids).toEqual([...new Set(ids)].sort((left, right) => left - right));
  });

  it('lets a resource be defined with the types of its records, and refuses one without a handler', () => {
    const resource = defineKind<'example', readonly [typeof example], Counter, Counter>({
      name: 'example',
      records: [example],
      empty: () => ({ count: 0 }),
      edit: (state) => ({ ...state }),
      freeze: (draft) => draft,
      replay: {
        ExampleRecord: (draft, record) => {
          draft.count += record.value;
        },
      },
      tables: [],
      toRecords: () => [],
    });
    expect(resource.records).toEqual([example]);

    const incomplete: Parameters<
      typeof defineKind<'other', readonly [typeof example, typeof another], Counter, Counter>
    >[0] = {
      name: 'other',
      records: [example, another],
      empty: () => ({ count: 0 }),
      edit: (state) => state,
      freeze: (draft) => draft,
      // @ts-expect-error The handler of AnotherRecord is missing: the compiler must refuse it.
      replay: { ExampleRecord: () => {} },
      tables: [],
      toRecords: () => [],
    };
    expect(Object.keys(incomplete.replay)).toEqual(['ExampleRecord']);
  });
});

describe('the operations', () => {
  it('stand in one table, each with its own types', () => {
    expect(operationsById.size).toBe(operations.length);
    expect(Object.keys(operationsByName).sort()).toEqual(operations.map((each) => each.operationId).sort());
    expect(operationsByName.createTopic.path).toBe('/topics');
  });

  it.each(operations.map((operation) => [operation.operationId, operation] as const))(
    '%s names its parameters in its path, errors of the catalogue, and closes its input',
    (_operationId, operation) => {
      const inPath = [...operation.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      const properties = (schema: object): string[] =>
        'properties' in schema ? Object.keys(schema.properties as object) : [];
      expect(new Set(properties(operation.params))).toEqual(new Set(inPath));
      for (const code of operation.errors) expect(Object.keys(errorCatalogue)).toContain(code);
      for (const schema of [operation.params, operation.query, operation.body]) {
        expect(schema).toMatchObject({ type: 'object', additionalProperties: false });
      }
      // The typed client takes one flat object, so no name may stand in two places.
      const names = [operation.params, operation.query, operation.body].flatMap(properties);
      expect(new Set(names).size).toBe(names.length);
      const isRead = operation.method === 'GET';
      expect(operation.kind === 'read').toBe(isRead);
      expect(operation.summary.endsWith('.')).toBe(true);
    },
  );
});
