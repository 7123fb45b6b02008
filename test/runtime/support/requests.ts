import type { ControllerRequest } from '../../../src/runtime/controller-api.ts';

type RequestChanges = Partial<Omit<ControllerRequest, 'input'>> & {
  readonly body?: unknown;
  readonly params?: unknown;
};

/** A request of the tester, under no key and no condition but those that are given. */
export function requestOf(operationId: string, changes: RequestChanges): ControllerRequest {
  const { body = {}, params = {}, ...rest } = changes;
  return {
    requestId: 1,
    operationId,
    input: { params, query: {}, body },
    principal: 'tester',
    idempotencyKey: null,
    consistency: 'linearizable',
    minOffset: null,
    ifMatch: null,
    timeoutMs: 1_000,
    ...rest,
  };
}
