import { type Static, Type } from 'typebox';
import { offset } from '../../../base/brands.ts';
import { ok } from '../../../base/result.ts';
import { answer, closed, defineOperation, nothing, refuse, schemas } from '../../define-operation.ts';
import { exampleIds } from '../../example-ids.ts';
import { everyRole } from '../../roles.ts';
import { endPointsOf, findNodeFault, listenersOf } from '../broker/describe-node.ts';
import { listenersSchema, supportedFeaturesSchema } from '../broker/schemas.ts';
import { findUnsupported } from '../feature/supported.ts';
import { controllerRegistration, isRegisteredAs } from './registration.ts';
import type { ControllerRow } from './resource.ts';

const controllerId = schemas.brokerId;

const controllerResponse = closed({
  controllerId,
  incarnationId: schemas.uuid,
  listeners: listenersSchema,
  features: supportedFeaturesSchema,
  lastModified: schemas.offset,
});

export const registerController = defineOperation({
  operationId: 'registerController',
  method: 'POST',
  path: '/controllers',
  summary:
    'A controller says which versions it supports and where it is to be found. Controllers do so by themselves.',
  kind: 'write',
  priority: 'heartbeat',
  mayCall: [],
  params: nothing,
  query: nothing,
  body: controllerRegistration,
  response: closed({ controllerId }),
  errors: ['INVALID_REQUEST', 'UNSUPPORTED_VERSION'],
  example: {
    body: {
      controllerId: 0,
      incarnationId: exampleIds.incarnation,
      listeners: [{ name: 'CONTROLLER', host: 'controller-0.example', port: 9645 }],
      features: [{ name: 'metadata.version', minSupportedVersion: 1, maxSupportedVersion: 1 }],
    },
    response: { controllerId: 0 },
  },
  handle: (image, { body }) => {
    const fault = findNodeFault(body.listeners, body.features);
    if (fault !== null) return refuse('INVALID_REQUEST', fault);
    const unsupported = findUnsupported(image, body.features);
    if (unsupported !== null) {
      const { name, featureLevel } = unsupported;
      return refuse(
        'UNSUPPORTED_VERSION',
        `The controller does not support level ${featureLevel} of ${name}.`,
      );
    }
    const endPoints = endPointsOf(body.listeners);
    const response = { controllerId: body.controllerId };
    const before = image.controller.controllers.get(body.controllerId);
    const modifiedOffset = before === null ? null : offset(before.lastModified);
    if (isRegisteredAs(image, body)) return ok({ records: [], response, modifiedOffset });
    const { controllerId: id, incarnationId, features } = body;
    const record = { controllerId: id, incarnationId, zkMigrationReady: false, endPoints, features };
    return ok({ records: [{ type: 'RegisterControllerRecord', ...record }], response, modifiedOffset });
  },
});

export const unregisterController = defineOperation({
  operationId: 'unregisterController',
  method: 'DELETE',
  path: '/controllers/{controllerId}',
  summary:
    'Forget a controller that is gone for good, so that no feature waits for it. One that runs registers again.',
  kind: 'write',
  priority: 'administration',
  mayCall: ['operator'],
  params: closed({ controllerId }),
  query: nothing,
  body: nothing,
  response: nothing,
  errors: ['CONTROLLER_ID_NOT_REGISTERED', 'CONTROLLER_STILL_VOTER'],
  example: { params: { controllerId: 3 }, response: {} },
  handle: (image, { params }, { quorum }) => {
    const { controllerId: id } = params;
    const before = image.controller.controllers.get(id);
    if (before === null) return refuse('CONTROLLER_ID_NOT_REGISTERED', `Controller ${id} is not registered.`);
    if (quorum.voters.some((voter) => voter.id === id)) {
      return refuse(
        'CONTROLLER_STILL_VOTER',
        `Controller ${id} is a voter; remove it from the quorum first.`,
      );
    }
    return ok({
      records: [{ type: 'UnregisterControllerRecord', controllerId: id }],
      response: {},
      modifiedOffset: offset(before.lastModified),
    });
  },
});

const controllerExample = {
  controllerId: 0,
  incarnationId: exampleIds.incarnation,
  listeners: [{ name: 'CONTROLLER', host: 'controller-0.example', port: 9645, securityProtocol: 0 }],
  features: [{ name: 'metadata.version', minSupportedVersion: 1, maxSupportedVersion: 1 }],
  lastModified: 5,
} satisfies Static<typeof controllerResponse>;

export const listControllers = defineOperation({
  operationId: 'listControllers',
  method: 'GET',
  path: '/controllers',
  summary: 'Controllers that have registered, with the versions they support.',
  kind: 'read',
  priority: 'administration',
  mayCall: everyRole,
  params: nothing,
  query: nothing,
  body: nothing,
  response: closed({ controllers: Type.Array(controllerResponse) }),
  errors: [],
  example: { response: { controllers: [controllerExample] } },
  handle: (image) => answer({ controllers: [...image.controller.controllers.values()].map(describeRow) }),
});

export const describeController = defineOperation({
  operationId: 'describeController',
  method: 'GET',
  path: '/controllers/{controllerId}',
  summary: 'One controller that has registered.',
  kind: 'read',
  priority: 'administration',
  mayCall: everyRole,
  params: closed({ controllerId }),
  query: nothing,
  body: nothing,
  response: controllerResponse,
  errors: ['CONTROLLER_ID_NOT_REGISTERED'],
  example: { params: { controllerId: 0 }, response: controllerExample },
  handle: (image, { params }) => {
    const row = image.controller.controllers.get(params.controllerId);
    if (row === null) {
      return refuse('CONTROLLER_ID_NOT_REGISTERED', `Controller ${params.controllerId} is not registered.`);
    }
    return answer(describeRow(row), offset(row.lastModified));
  },
});

function describeRow(row: ControllerRow) {
  return {
    controllerId: row.controllerId,
    incarnationId: row.incarnationId,
    listeners: listenersOf(row.endPoints),
    features: row.features.map((feature) => ({ ...feature })),
    lastModified: offset(row.lastModified),
  };
}

export const operations = {
  registerController,
  unregisterController,
  listControllers,
  describeController,
} as const;
