import { Type } from 'typebox';
import { offset } from '../../../base/brands.ts';
import { ok } from '../../../base/result.ts';
import { answer, closed, defineOperation, nothing, refuse, schemas } from '../../define-operation.ts';
import { everyRole } from '../../roles.ts';
import {
  endPointsOf,
  findNodeFault,
  listenersOf,
  sameEndPoints,
  sameFeatures,
} from '../broker/describe-node.ts';
import { listenersSchema, supportedFeaturesSchema } from '../broker/schemas.ts';
import { findUnsupported } from '../feature/supported.ts';
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
  summary: 'A controller says which versions it supports and where it is to be found.',
  kind: 'write',
  priority: 'heartbeat',
  mayCall: [],
  params: nothing,
  query: nothing,
  body: closed({
    controllerId,
    incarnationId: schemas.uuid,
    listeners: listenersSchema,
    features: supportedFeaturesSchema,
  }),
  response: closed({ controllerId }),
  errors: ['INVALID_REQUEST', 'UNSUPPORTED_VERSION'],
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
    const before = image.controller.controllers.get(body.controllerId);
    const response = { controllerId: body.controllerId };
    const isUnchanged =
      before !== null &&
      before.incarnationId === body.incarnationId &&
      sameEndPoints(before.endPoints, endPoints) &&
      sameFeatures(before.features, body.features);
    if (isUnchanged) return ok({ records: [], response });
    const { controllerId: id, incarnationId, features } = body;
    const record = { controllerId: id, incarnationId, zkMigrationReady: false, endPoints, features };
    return ok({ records: [{ type: 'RegisterControllerRecord', ...record }], response });
  },
});

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
  errors: ['RESOURCE_NOT_FOUND'],
  handle: (image, { params }) => {
    const row = image.controller.controllers.get(params.controllerId);
    if (row === null) {
      return refuse('RESOURCE_NOT_FOUND', `Controller ${params.controllerId} has not registered.`);
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

export const operations = { registerController, listControllers, describeController } as const;
