/**
 * The kinds of metadata, one line each (design 15): a folder that gives a `resource` (records, state,
 * replay) and its `operations`.
 */
export * as election from './resources/election/index.ts';
export * as feature from './resources/feature/index.ts';
export * as controller from './resources/controller/index.ts';
export * as broker from './resources/broker/index.ts';
export * as topic from './resources/topic/index.ts';
export * as config from './resources/config/index.ts';
export * as directory from './resources/directory/index.ts';
export * as isr from './resources/isr/index.ts';
export * as producerId from './resources/producer-id/index.ts';
export * as reassignment from './resources/reassignment/index.ts';
export * as session from './resources/session/index.ts';
export * as group from './resources/group/index.ts';
export * as token from './resources/token/index.ts';
export * as custom from './resources/custom/index.ts';
export * as transaction from './resources/transaction/index.ts';
export * as noop from './resources/noop/index.ts';
