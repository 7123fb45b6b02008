import { Type, type TSchema } from 'typebox';
import type { OperationDescription } from '../../client/protocol/description.ts';
import { operationsByName } from '../../metadata/operations.ts';
import type { ResourceKind } from '../../metadata/resources/custom/kind.ts';

const { listResources, describeResource, putResource, deleteResource } = operationsByName;

/**
 * The operations on users' kinds as each kind has them, with the schemas of its keys and values: what one who makes a
 * client from the description gets types by. They are served under the paths of the general ones.
 */
export function describeKinds(kinds: readonly ResourceKind[]): readonly OperationDescription[] {
  return kinds.flatMap((kind) => operationsOf(kind));
}

function operationsOf(kind: ResourceKind): readonly OperationDescription[] {
  const { name, version, value } = kind;
  const key: TSchema = kind.key ?? Type.String({ minLength: 1 });
  const resource = Type.Object({
    key,
    value,
    version: Type.Integer({ minimum: 1, maximum: version }),
    lastModified: Type.Integer({ minimum: 0 }),
  });
  const ofKey = Type.Object({ key });
  const place = (operation: OperationDescription): OperationDescription => {
    const { example: _ofAnotherKind, ...rest } = operation;
    return {
      ...rest,
      operationId: `${operation.operationId}.${name}`,
      path: operation.path.replace('{kind}', name),
      summary: `${operation.summary.replace(/\.$/, '')}: ${name}.`,
      params: operation === listResources ? Type.Object({}) : ofKey,
    };
  };
  const page = Type.Object({
    kind: Type.Literal(name),
    resources: Type.Array(resource),
    continue: Type.Union([Type.String(), Type.Null()]),
  });
  const body = Type.Object({ value, version: Type.Optional(Type.Integer({ minimum: 1, maximum: version })) });
  return [
    { ...place(listResources), response: page },
    { ...place(describeResource), response: resource },
    { ...place(putResource), body },
    place(deleteResource),
  ];
}
